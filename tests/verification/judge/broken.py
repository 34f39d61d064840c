"""Queues that are broken on purpose: which level each must fail, and what the verdict says.

Where a challenge begins is one: it keeps the promises up to its level and breaks the next.
"""

from __future__ import annotations

from pathlib import Path

CHALLENGES = Path(__file__).resolve().parents[3] / "notebooks" / "challenges"
START = CHALLENGES / "start.py"


def solution(level: int) -> Path:
    """The file with the solution of a level."""
    return CHALLENGES / "solutions" / f"level_{level:02d}.py"


#: The level, the file of the queue that breaks its promise, and words of the verdict.
BROKEN: list[tuple[int, Path, str]] = [
    (1, START, "in no key of the server"),
    (2, solution(1), "run as job-2"),
    (3, solution(2), "the caller waited for it"),
    (4, solution(3), "two steps"),
    (5, solution(4), "job-1 was nowhere"),
    (6, solution(5), "ran again only after"),
    (7, solution(6), "alive and at work"),
    (8, solution(7), "not true after it"),
    (9, solution(8), "tried again without end"),
    (10, solution(9), "nobody brings it back"),
    (11, solution(10), "refused while the server was down"),
    (12, solution(11), "the reader sees it twice"),
]
