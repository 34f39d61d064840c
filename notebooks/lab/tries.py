"""Tries of jobs over time: backoff, jitter, and the herd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.ticker import MaxNLocator

from demo_app.verification.demo.colours import EDGE, RUNNING
from demo_app.verification.demo.timeline import JobLine, Timeline
from lab import order
from lab.figures import panels
from lab.show import Picture

#: Seconds that count as one moment, where tries are counted.
_WIDTH = 0.1


def gaps(job: JobLine) -> list[float]:
    """The seconds between one try and the next."""
    return [later.began - earlier.began for earlier, later in pairwise(job.runs)]


def planned(task: Any, jobs: int, failures: int = 1) -> list[float]:
    """The seconds that so many jobs of a task would wait after so many failures, by its rule."""
    (rule,) = task.policies
    return [rule.wait(failures) for _ in range(jobs)]


def task_of(redis: Any, jobs: Sequence[JobLine]) -> dict[str, str]:
    """Each job's task, by its id."""
    return {job.id: order.task_of(redis, job.id) for job in jobs}


def most_at_once(seen: Timeline, task: str, tasks: dict[str, str]) -> int:
    """The most tries of a task in one tenth of a second, not counting the first ones.

    tasks: each job's task by its id.
    """
    return max(_counts(seen, task, tasks).values(), default=0)


def herd_picture(seen: Timeline, tasks: dict[str, str]) -> Picture:
    """How many tries there were in each tenth of a second, one panel per task.

    tasks: each job's task by its id.
    """
    names = sorted(set(tasks.values()))
    figure, grid = panels(4.6, len(names), sharex=True, sharey=True)
    sentences = []
    for axes, name in zip(grid, names, strict=True):
        counts = _counts(seen, name, tasks)
        axes.bar([n * _WIDTH for n in counts], list(counts.values()), width=_WIDTH, align="edge",
                 color=RUNNING, edgecolor=EDGE)  # fmt: skip
        label = name.rpartition(".")[2].replace("_", " ")
        axes.set_title(label, loc="left", fontsize=14)
        axes.set_ylabel("tries in a\ntenth of a second", fontsize=12)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(left=0)
        most = max(counts.values(), default=0)
        sentences.append(f"{label}: at most {most} tries in a tenth of a second")
    grid[-1].set_xlabel("seconds since the service went down", fontsize=12)
    return Picture.of(figure, "; ".join(sentences) + ".")


def _counts(seen: Timeline, task: str, tasks: dict[str, str]) -> Counter[int]:
    """How many tries after the first began in each tenth of a second since the start."""
    return Counter(
        int((run.began - seen.start) / _WIDTH)
        for job in seen.jobs
        if tasks[job.id].endswith(task)
        for run in job.runs[1:]
    )
