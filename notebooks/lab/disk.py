"""What Redis keeps: fill, kill, count, and read its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from demo_app.jobs import enqueue_many
from demo_app.verification.demo.colours import GOOD, KILL, PAPER
from lab.jobs import work
from lab.show import Picture

if TYPE_CHECKING:
    from lab.running import Lab


def fill(lab: Lab, jobs: int) -> int:
    """Put jobs in, one after the other; returns how many are in the queue."""
    for number in range(jobs):
        work.enqueue(name=str(number))
    return in_queue(lab)


def fill_at_once(jobs: int) -> None:
    """Put jobs in with one command."""
    enqueue_many([work.job(name=str(number)) for number in range(jobs)])


def in_queue(lab: Lab) -> int:
    """How many jobs are in the queue now."""
    return int(lab.redis.llen("queue:default"))


def kill_redis(lab: Lab) -> int:
    """SIGKILL to Redis; returns how many jobs the next Redis knows of."""
    (old,) = lab.stack.ready["pids"]["redis"]
    lab.kill("redis")
    lab.until(lambda: lab.stack.ready["pids"]["redis"] not in ([], [old]), "another Redis")
    lab.until(lambda: _answers(lab), "an answer of the new Redis")
    return in_queue(lab)


def kept_picture(left: dict[str, int], filled: int) -> Picture:
    """A bar for each way in which Redis writes: how many of so many jobs outlived its SIGKILL."""
    figure = Figure(figsize=(11, 1.6 + 0.55 * len(left)), layout="constrained")
    axes = figure.add_subplot()
    for row, kept in enumerate(left.values()):
        axes.barh(row, kept, height=0.66, color=GOOD)
        if kept < filled:
            axes.barh(row, filled - kept, left=kept, height=0.66, color=PAPER, edgecolor=KILL,
                      hatch="xx")  # fmt: skip
        axes.annotate(f" {kept} of {filled}", (filled, row), va="center", fontsize=14)
    axes.set_yticks(range(len(left)), list(left), fontsize=14)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.2 * filled)
    axes.set_xlabel("jobs in the queue after the kill", fontsize=13)
    axes.tick_params(axis="x", labelsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    handles = [
        Patch(facecolor=GOOD, label="still there"),
        Patch(facecolor=PAPER, edgecolor=KILL, hatch="xx", label="lost"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=13)
    told = "; ".join(f"{name}: {kept} of {filled}" for name, kept in left.items())
    return Picture.of(figure, f"Jobs left after the kill. {told}.")


def snapshot(lab: Lab) -> None:
    """Let Redis write a snapshot (RDB) of all it has; returns when it is on disk."""
    lab.redis.bgsave()
    lab.until(lambda: not lab.redis.info("persistence")["rdb_bgsave_in_progress"], "the snapshot")


def last_change(lab: Lab, widest: int = 90) -> str:
    """The last change in the append-only file, as it lies on disk, but a command in a line: in the
    file each of its words has a line of its own. Longer lines are cut."""
    folder = lab.stack.plan.folder.redis / "appendonlydir"
    (path,) = folder.glob("*.incr.aof")
    lines = path.read_text("utf-8", "replace").splitlines()
    begins = max(n for n, line in enumerate(lines) if line == "MULTI") - 2
    commands: list[str] = []
    while begins < len(lines):
        words = 1 + 2 * int(lines[begins].removeprefix("*"))
        commands.append(" ".join(lines[begins : begins + words]))
        begins += words
    return "\n".join(line if len(line) < widest else f"{line[:widest]}…" for line in commands)


def _answers(lab: Lab) -> bool:
    try:
        return bool(lab.redis.ping())
    except Exception:
        return False
