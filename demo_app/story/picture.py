"""The timeline as a picture: a job is a row, time goes right.

Waiting is pale, running solid, a kill a red line across its worker's jobs, delivered a dot.
Nothing is told by colour alone, and the colours are Okabe and Ito's, which colour-blind people
can tell apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from demo_app.story.timeline import JobLine, Timeline

WAITING, RUNNING, LOST_RUN, KILL, DELIVERED = (
    "#c9d6df",
    "#0072b2",
    "#e69f00",
    "#d55e00",
    "#000000",
)


def draw(
    timeline: Timeline, kills: Sequence[float], *, width: float = 11.0, title: str = ""
) -> Figure:
    """The picture as a matplotlib figure. kills: moments in seconds since the epoch."""
    count = max(1, len(timeline.jobs))
    height = min(9.0, max(3.2, 1.6 + 0.16 * count))
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    now = _end(timeline, kills)
    for row, job in enumerate(timeline.jobs):
        _draw_job(axes, row, job, timeline.start, now, kills)
    for kill in kills:
        axes.axvline(kill - timeline.start, color=KILL, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_ylim(count - 0.2, -0.8)
    axes.set_xlim(left=min(0.0, -0.01 * (now - timeline.start)))
    axes.set_xlabel("seconds since the first comment", fontsize=12)
    axes.set_ylabel("jobs, in the order they were put in", fontsize=12)
    axes.tick_params(labelsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title or describe(timeline, kills), loc="left", fontsize=13, wrap=True)
    figure.legend(
        handles=_legend(), loc="outside lower center", ncols=5, frameon=False, fontsize=11
    )
    return figure


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write the picture as SVG and PNG; returns where."""
    paths = [stem.with_suffix(".svg"), stem.with_suffix(".png")]
    for path in paths:
        figure.savefig(path, dpi=144)
    return paths


def describe(timeline: Timeline, kills: Sequence[float]) -> str:
    """What the picture shows, in words: its title, and its text equivalent."""
    rescued = sum(job.rescued for job in timeline.jobs)
    delivered = sum(job.done is not None for job in timeline.jobs)
    return (
        f"{len(timeline.jobs)} jobs, {len(kills)} kill{'s' * (len(kills) != 1)}: "
        f"{rescued} jobs lost their worker and were rescued, {delivered} were delivered"
    )


def _draw_job(
    axes: Any, row: int, job: JobLine, start: float, now: float, kills: Sequence[float]
) -> None:
    cursor = job.enqueued
    for run in job.runs:
        _bar(axes, row, cursor - start, run.began - start, WAITING, 0.5)
        ended = run.ended or now
        if run.how == "rescued":
            died = max((kill for kill in kills if run.began <= kill <= ended), default=ended)
            _bar(axes, row, run.began - start, died - start, LOST_RUN, 0.8, hatch="////")
            axes.plot([died - start] * 2, [row - 0.6, row + 0.6], color=KILL, linewidth=2.4)
            _bar(axes, row, died - start, ended - start, WAITING, 0.5)
        else:
            _bar(axes, row, run.began - start, ended - start, RUNNING, 0.8)
        cursor = ended
    if job.done is not None:
        axes.plot([job.done - start], [row], "o", color=DELIVERED, markersize=3.5)
    else:
        _bar(axes, row, cursor - start, now - start, WAITING, 0.5)


def _bar(
    axes: Any, row: int, left: float, right: float, color: str, height: float, hatch: str = ""
) -> None:
    style = {"hatch": hatch, "edgecolor": "white"} if hatch else {}
    axes.barh(
        row, max(0.0, right - left), left=left, height=height, color=color, linewidth=0, **style
    )


def _end(timeline: Timeline, kills: Sequence[float]) -> float:
    moments = [job.done for job in timeline.jobs if job.done is not None]
    moments += [run.ended or run.began for job in timeline.jobs for run in job.runs]
    return max([*moments, *kills, timeline.start])


def _legend() -> list[Any]:
    return [
        Patch(color=WAITING, label="waiting"),
        Patch(color=RUNNING, label="running"),
        Patch(facecolor=LOST_RUN, hatch="////", edgecolor="white", label="run cut short"),
        Line2D([], [], color=KILL, linewidth=2.4, label="worker killed"),
        Line2D([], [], color=DELIVERED, marker="o", linestyle="", label="mail delivered"),
    ]
