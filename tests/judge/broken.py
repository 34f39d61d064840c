"""Queues that are broken on purpose: which level each must fail, and what the verdict says.

Where a challenge begins is one: it keeps the promises up to its level and breaks the next.
"""

from __future__ import annotations

from pathlib import Path

CHALLENGES = Path(__file__).resolve().parents[2] / "notebooks" / "challenges"
START = CHALLENGES / "start.py"


def solution(level: int) -> Path:
    """The file with the solution of a level."""
    return CHALLENGES / "solutions" / f"level_{level:02d}.py"


#: The level, the file of the queue that breaks its promise, words of the verdict, and a pattern
#: of the labels in the picture, by which it shows the hole.
BROKEN: list[tuple[int, Path, str, str]] = [
    (1, START, "in no key of the server", "nowhere$"),
    (2, solution(1), "run as job-2", "job-1 job-2 job-2 job-1$"),
    (3, solution(2), "the caller waited for it", "^job-1 job-1"),
    (4, solution(3), "two steps", "job-1 2×"),
    (5, solution(4), "job-1 was nowhere", "nowhere .*nowhere$"),
    (6, solution(5), "ran again only after", "claims:w1 job-1 2×"),
    (7, solution(6), "alive and at work", "job-1 2×"),
    (8, solution(7), "not true after it|both gave it back", "job-1 3×"),
    (9, solution(8), "tried again without end", "poison-1 9×"),
    (10, solution(9), "nobody brings it back", "claims:w1$"),
    (11, solution(10), "refused while the server was down", "job-2 refused"),
    (12, solution(11), "the reader sees it twice", "w2 2× other id"),
]
