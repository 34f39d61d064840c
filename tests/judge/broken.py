"""Queues that are broken on purpose, the level that each must fail, and the judge's verdict.

Each challenge starts with the queue that fails its level but passes all earlier levels.
"""

from pathlib import Path

CHALLENGES = Path(__file__).resolve().parents[2] / "notebooks" / "challenges"
START = CHALLENGES / "start.py"

#: A small queue. With "rpop" for `pop` it passes levels 1 and 2, with "lpop" it fails level 2.
MINE = """
class Mine:
    def __init__(self, redis):
        self.redis = redis

    def put(self, job):
        self.redis.lpush("queue", job)

    def claim(self, worker):
        return self.redis.{pop}("queue")

    def ack(self, worker, job):
        pass
"""


def solution(level: int) -> Path:
    return CHALLENGES / "solutions" / f"level_{level:02d}.py"


#: The level, the queue's file, a pattern of the verdict, and a pattern of the history.
BROKEN: list[tuple[int, Path, str, str]] = [
    (1, START, "in no key of the server", "nowhere$"),
    (2, solution(1), "run as job-2", "begins job-2.*begins job-1"),
    (3, solution(2), "the caller waited for it", "begins to put job-1.*ends job-1.*put job-1"),
    (4, solution(3), "two steps", r"begins job-\d(:[\d.]+)? \(2×\)"),
    (5, solution(4), "job-1 was nowhere", "nowhere.*SIGKILL.*nowhere$"),
    (6, solution(5), "ran again only after", r"in claims:w1.*w2: begins job-\d(:[\d.]+)? \(2×\)"),
    (7, solution(6), "alive and running it", r"begins job-1:7.0 \(2×\)"),
    (8, solution(7), "out of date after it|both gave it back", r"begins job-\d(:[\d.]+)? \(3×\)"),
    (9, solution(8), "tried again without end", r"begins poison-1, and dies of it \(9×\)"),
    (10, solution(9), "no worker requeued it in time", "in claims:w1$"),
    (11, solution(10), "refused while the server was down", "put job-2 raised"),
    (12, solution(11), "the reader sees it twice", r"w2: begins job-\d(:[\d.]+)? \(2×\).*w2: ends"),
]
