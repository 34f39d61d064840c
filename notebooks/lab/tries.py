"""Tries of jobs over time: backoff, jitter, and the herd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from demo_app.story.colours import CUT_SHORT, DELIVERED, EDGE, RUNNING, WAITING
from demo_app.story.timeline import JobLine, Timeline
from lab.show import Picture


def gaps(job: JobLine) -> list[float]:
    """The seconds between one try and the next."""
    began = [run.began for run in job.runs]
    return [later - earlier for earlier, later in pairwise(began)]


def tries_picture(seen: Timeline) -> Picture:
    """A row a job: each failed try a diamond, the wait until the next one pale, success a dot."""
    figure = Figure(figsize=(11, 1.8 + 0.28 * len(seen.jobs)), layout="constrained")
    axes = figure.add_subplot()
    for row, job in enumerate(seen.jobs, 1):
        end = (job.runs[-1].ended or job.runs[-1].began) - seen.start
        start = job.enqueued - seen.start
        axes.barh(row, end - start, left=start, height=0.45, color=WAITING, edgecolor=EDGE,
                  linewidth=0.5)  # fmt: skip
        failed = [run.began - seen.start for run in job.runs if run.how != "done"]
        axes.plot(failed, [row] * len(failed), "D", color=CUT_SHORT, markersize=8,
                  markeredgecolor=EDGE)  # fmt: skip
        if job.done:
            axes.plot(end, row, "o", color=DELIVERED, markersize=8)
    _finish(axes, len(seen.jobs))
    axes.set_xlabel("seconds since the first job was put in", fontsize=12)
    axes.set_ylabel("jobs", fontsize=12)
    handles = [
        Line2D([], [], color=CUT_SHORT, marker="D", linestyle="", markersize=8,
               markeredgecolor=EDGE, label="a try that failed"),
        Patch(facecolor=WAITING, edgecolor=EDGE, label="waiting for the next try"),
        Line2D([], [], color=DELIVERED, marker="o", linestyle="", label="success"),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=12)
    in_vain = sum(run.how != "done" for job in seen.jobs for run in job.runs)
    ended = sum(job.done is not None for job in seen.jobs)
    jobs = f"{len(seen.jobs)} job{'s' * (len(seen.jobs) != 1)}"
    words = f"{jobs}; tries that failed: {in_vain}; jobs that succeeded in the end: {ended}."
    return Picture.of(figure, words)


def most_at_once(seen: Timeline, task: str, tasks: dict[str, str], width: float = 0.1) -> int:
    """The most tries of a task that fell into one stretch of time, without the first ones.

    tasks: each job's task by its id. width: of the stretch, in seconds.
    """
    counts = Counter(int(at / width) for at in _retries(seen, task, tasks))
    return max(counts.values(), default=0)


def herd_picture(seen: Timeline, tasks: dict[str, str], width: float = 0.1) -> Picture:
    """How many tries there were in each tenth of a second, one panel a task."""
    names = sorted(set(tasks.values()))
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(len(names), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    told = []
    for axes, name in zip(panels, names, strict=True):
        moments = [at - seen.start for at in _retries(seen, name, tasks)]
        counts = Counter(int(at / width) for at in moments)
        axes.bar([n * width for n in counts], list(counts.values()), width=width, align="edge",
                 color=RUNNING, edgecolor=EDGE)  # fmt: skip
        label = name.rpartition(".")[2].replace("_", " ")
        axes.set_title(label, loc="left", fontsize=13)
        axes.set_ylabel("tries at once", fontsize=12)
        axes.tick_params(labelsize=12)
        axes.spines[["top", "right"]].set_visible(False)
        told.append(f"{label}: at most {max(counts.values(), default=0)} tries at once")
    panels[-1].set_xlabel("seconds since the service went down", fontsize=12)
    return Picture.of(figure, "; ".join(told) + ".")


def task_of(redis: Any, jobs: Sequence[JobLine]) -> dict[str, str]:
    """Each job's task, by its id."""
    from demo_app.queue.message import parse

    return {job.id: parse(redis.lindex(f"job:{job.id}", 0)).task for job in jobs}


def _retries(seen: Timeline, task: str, tasks: dict[str, str]) -> list[float]:
    return [
        run.began
        for job in seen.jobs
        if tasks[job.id].endswith(task)
        for run in job.runs[1:]
    ]  # fmt: skip


def _finish(axes: Any, rows: int) -> None:
    axes.set_ylim(rows + 0.8, 0.2)
    axes.set_yticks(range(1, rows + 1, max(1, rows // 10)))
    axes.tick_params(labelsize=12)
    axes.spines[["top", "right"]].set_visible(False)
