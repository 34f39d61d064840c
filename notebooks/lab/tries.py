"""Tries of jobs over time: backoff, jitter, and the herd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from demo_app.verification.demo.colours import CUT_SHORT, DELIVERED, EDGE, RUNNING, WAITING
from demo_app.verification.demo.timeline import JobLine, Timeline
from lab.show import Picture

#: Seconds that count as one moment, where a herd is counted.
_WIDTH = 0.1


def gaps(job: JobLine) -> list[float]:
    """The seconds between one try and the next."""
    began = [run.began for run in job.runs]
    return [later - earlier for earlier, later in pairwise(began)]


def tries_picture(seen: Timeline) -> Picture:
    """A row a job: waiting is pale, a try solid, its failure a diamond, success a dot."""
    figure = Figure(figsize=(11, 1.8 + 0.28 * len(seen.jobs)), layout="constrained")
    axes = figure.add_subplot()
    for row, job in enumerate(seen.jobs, 1):
        _draw(axes, row, job, seen.start)
    _finish(axes, len(seen.jobs))
    axes.set_xlabel("seconds since the first job was put in", fontsize=12)
    axes.set_ylabel("jobs", fontsize=12)
    handles = [
        Patch(facecolor=WAITING, edgecolor=EDGE, label="waiting"),
        Patch(facecolor=RUNNING, edgecolor=EDGE, label="trying"),
        Line2D([], [], color=CUT_SHORT, marker="D", linestyle="", markersize=9,
               markeredgecolor=EDGE, label="the try failed"),
        Line2D([], [], color=DELIVERED, marker="o", linestyle="", markersize=8, label="success"),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=12)
    in_vain = sum(run.how != "done" for job in seen.jobs for run in job.runs)
    ended = sum(job.done is not None for job in seen.jobs)
    jobs = f"{len(seen.jobs)} job{'s' * (len(seen.jobs) != 1)}"
    words = f"{jobs}; tries that failed: {in_vain}; jobs that succeeded in the end: {ended}."
    return Picture.of(figure, words)


def most_at_once(seen: Timeline, task: str, tasks: dict[str, str]) -> int:
    """The most tries of a task that fell into one tenth of a second, without the first ones.

    tasks: each job's task by its id.
    """
    return max(_counts(seen, task, tasks).values(), default=0)


def planned(task: Any, jobs: int, failures: int = 1) -> list[float]:
    """The seconds that so many jobs of a task would wait after so many failures, by its rule."""
    (rule,) = task.policies
    return [rule.wait(failures) for _ in range(jobs)]


def herd_picture(seen: Timeline, tasks: dict[str, str]) -> Picture:
    """How many tries there were in each tenth of a second, one panel a task."""
    names = sorted(set(tasks.values()))
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(len(names), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    told = []
    for axes, name in zip(panels, names, strict=True):
        counts = _counts(seen, name, tasks)
        axes.bar([n * _WIDTH for n in counts], list(counts.values()), width=_WIDTH, align="edge",
                 color=RUNNING, edgecolor=EDGE)  # fmt: skip
        label = name.rpartition(".")[2].replace("_", " ")
        axes.set_title(label, loc="left", fontsize=14)
        axes.set_ylabel("tries in a\ntenth of a second", fontsize=12)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(left=0)
        axes.tick_params(labelsize=12)
        axes.spines[["top", "right"]].set_visible(False)
        most = max(counts.values(), default=0)
        told.append(f"{label}: at most {most} tries in a tenth of a second")
    panels[-1].set_xlabel("seconds since the service went down", fontsize=12)
    return Picture.of(figure, "; ".join(told) + ".")


def task_of(redis: Any, jobs: Sequence[JobLine]) -> dict[str, str]:
    """Each job's task, by its id."""
    from demo_app.broker.message import parse

    return {job.id: parse(redis.lindex(f"job:{job.id}", 0)).task for job in jobs}


def _counts(seen: Timeline, task: str, tasks: dict[str, str]) -> Counter[int]:
    """How many tries after the first began in each tenth of a second since the start."""
    return Counter(
        int((run.began - seen.start) / _WIDTH)
        for job in seen.jobs
        if tasks[job.id].endswith(task)
        for run in job.runs[1:]
    )


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


def _finish(axes: Any, rows: int) -> None:
    axes.set_ylim(rows + 0.8, 0.2)
    axes.set_yticks(range(1, rows + 1, max(1, rows // 10)))
    axes.tick_params(labelsize=12)
    axes.spines[["top", "right"]].set_visible(False)
