"""Tries of jobs over time: backoff, jitter, and the herd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from demo_app.verification.demo.colours import CUT_SHORT, DELIVERED, EDGE, RUNNING, WAITING
from demo_app.verification.demo.timeline import JobLine, Timeline
from lab import order
from lab.figures import legend, mark, panels
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


def tries_picture(seen: Timeline) -> Picture:
    """A row per job: waiting is pale, a try solid, its failure a diamond, success a dot."""
    figure, (axes,) = panels(1.8 + 0.28 * len(seen.jobs))
    for row, job in enumerate(seen.jobs, 1):
        _draw(axes, row, job, seen.start)
    axes.set_ylim(len(seen.jobs) + 0.8, 0.2)
    axes.set_yticks(range(1, len(seen.jobs) + 1, max(1, len(seen.jobs) // 10)))
    axes.set_xlabel("seconds since the first job was enqueued", fontsize=12)
    axes.set_ylabel("jobs", fontsize=12)
    legend(
        figure,
        Patch(facecolor=WAITING, edgecolor=EDGE, label="waiting"),
        Patch(facecolor=RUNNING, edgecolor=EDGE, label="trying"),
        mark("the try failed", CUT_SHORT, "D", markersize=9, markeredgecolor=EDGE),
        mark("success", DELIVERED, "o", markersize=8),
    )
    failed = sum(run.how != "done" for job in seen.jobs for run in job.runs)
    ended = sum(job.done is not None for job in seen.jobs)
    jobs = f"{len(seen.jobs)} job{'s' * (len(seen.jobs) != 1)}"
    words = f"{jobs}; tries that failed: {failed}; jobs that succeeded in the end: {ended}."
    return Picture.of(figure, words)


def _draw(axes: Any, row: int, job: JobLine, start: float) -> None:
    at = job.enqueued
    for run in job.runs:
        ended = run.ended or run.began
        _bar(axes, row, at - start, run.began - start, WAITING)
        _bar(axes, row, run.began - start, ended - start, RUNNING)
        at = ended
        if run.how != "done":
            axes.plot(at - start, row, "D", color=CUT_SHORT, markersize=9, markeredgecolor=EDGE)
    if job.done:
        axes.plot(at - start, row, "o", color=DELIVERED, markersize=8)


def _bar(axes: Any, row: int, left: float, right: float, color: str) -> None:
    axes.barh(row, right - left, left=left, height=0.45, color=color, edgecolor=EDGE,
              linewidth=0.5)  # fmt: skip


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
