"""Tries of jobs over time: backoff, jitter, and the herd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.ticker import MaxNLocator

from demo_app.broker.fold import JobRecord
from demo_app.demo.colours import EDGE, RUNNING
from demo_app.demo.timeline import Timeline
from lab import order
from lab.figures import drawn, panels
from lab.language import say, sentence
from lab.show import Picture

#: Seconds that count as one moment, where tries are counted.
_WIDTH = 0.1


def gaps(job: JobRecord) -> list[float]:
    """The seconds between one try and the next."""
    return [later.began - earlier.began for earlier, later in pairwise(job.runs)]


def planned(task: Any, jobs: int) -> list[float]:
    """The seconds that so many jobs of a task would wait after their first failure, by its rule."""
    (rule,) = task.policies
    return [rule.wait(1) for _ in range(jobs)]


def by_task(redis: Any, seen: Timeline) -> dict[str, list[JobRecord]]:
    """The jobs of each task, by the task's name."""
    found: dict[str, list[JobRecord]] = {}
    for job in seen.jobs:
        name = order.task_of(redis, job.id).rpartition(".")[2]
        found.setdefault(name, []).append(job)
    return found


def most_at_once(jobs: Sequence[JobRecord], start: float) -> int:
    """The most tries in one tenth of a second, not counting the first ones.

    start: when the counting begins, in epoch seconds.
    """
    return max(_counts(jobs, start).values(), default=0)


def herd_picture(tasks: dict[str, list[JobRecord]], start: float) -> Picture:
    """How many tries there were in each tenth of a second since the start, one panel per task."""
    figure, grid = panels(4.6, len(tasks), sharex=True, sharey=True)
    sentences = []
    for axes, (name, jobs) in zip(grid, sorted(tasks.items()), strict=True):
        counts, label = _counts(jobs, start), name.replace("_", " ")
        axes.bar([n * _WIDTH for n in counts], list(counts.values()), width=_WIDTH, align="edge",
                 color=RUNNING, edgecolor=EDGE)  # fmt: skip
        axes.set_title(drawn(label), loc="left", fontsize=14)
        axes.set_ylabel(drawn("tries in a\ntenth of a second"), fontsize=12)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(left=0)
        most = most_at_once(jobs, start)
        told = "{label}: at most {n} tries in a tenth of a second"
        sentences.append(say(told, label=say(label), n=most))
    grid[-1].set_xlabel(drawn("seconds since the service went down"), fontsize=12)
    return Picture.of(figure, sentence(sentences))


def _counts(jobs: Sequence[JobRecord], start: float) -> Counter[int]:
    """How many tries after the first began in each tenth of a second since the start."""
    return Counter(int((run.began - start) / _WIDTH) for job in jobs for run in job.runs[1:])
