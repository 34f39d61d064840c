"""What Redis keeps: fill it, kill it, count, and read its files."""

from __future__ import annotations

from demo_app.stack.redis_server import answers
from lab.figures import Outcome
from lab.jobs import work
from lab.language import say
from lab.lifecycle import LabError
from lab.progress import Progress
from lab.running import Lab


class Left(dict[str, int]):
    """How many jobs were left after each kill."""

    def __missing__(self, name: str) -> int:
        told = "Nothing is known of {name!r} yet. Run the cell that measures it."
        raise LabError(say(told, name=name))


def fill(lab: Lab, jobs: int) -> int:
    """Enqueue jobs one after the other; returns how many are in the queue."""
    with Progress(say("{n} jobs to be enqueued", n=jobs)):
        for number in range(jobs):
            work.enqueue(name=str(number))
    return in_queue(lab)


def in_queue(lab: Lab) -> int:
    """How many jobs are in the queue now."""
    return int(lab.redis.llen("queue:default"))


def kill_redis(lab: Lab) -> int:
    """SIGKILL to Redis; returns how many jobs the next Redis knows."""
    (old,) = lab.stack.ready["pids"]["redis"]
    lab.kill("redis")
    lab.until(lambda: lab.stack.ready["pids"]["redis"] not in ([], [old]), "another Redis")
    lab.until(lambda: answers(lab.stack.plan.redis_url), "an answer of the new Redis")
    return in_queue(lab)


def kept(left: dict[str, int], filled: int) -> list[Outcome]:
    """For each way in which Redis writes: how many of so many jobs survived its SIGKILL."""
    return [Outcome(name, count, max(0, filled - count)) for name, count in left.items()]


def snapshot(lab: Lab) -> None:
    """Let Redis write a snapshot (RDB) of all its data; returns when it is on disk."""
    lab.redis.bgsave()
    lab.until(lambda: not lab.redis.info("persistence")["rdb_bgsave_in_progress"], "the snapshot")


def last_change(lab: Lab) -> str:
    """The last change in the append-only file, one command per line.

    In the file every word has its own line. Here a long one is cut.
    """
    folder = lab.stack.plan.folder.redis / "appendonlydir"
    (path,) = folder.glob("*.incr.aof")
    lines = path.read_text("utf-8", "replace").splitlines()
    begins = max(n for n, line in enumerate(lines) if line == "MULTI") - 2
    commands: list[str] = []
    while begins < len(lines):
        words = 1 + 2 * int(lines[begins].removeprefix("*"))
        commands.append(" ".join(lines[begins : begins + words]))
        begins += words
    return "\n".join(line if len(line) < 90 else f"{line[:90]}…" for line in commands)
