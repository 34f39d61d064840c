"""In which order jobs were put in, started and ended; and what waits in which order."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from demo_app.broker.message import parse
from demo_app.verification.demo.colours import EDGE, KILL, RUNNING
from demo_app.verification.demo.timeline import JobLine, Timeline
from lab.show import Picture

if TYPE_CHECKING:
    from lab.running import Lab

#: How a job's line looks.
KEPT: dict[str, Any] = {"color": RUNNING, "linestyle": "-"}
MOVED: dict[str, Any] = {"color": KILL, "linestyle": "--"}


def names_waiting(lab: Lab, queue: str) -> list[str]:
    """The jobs in one Redis list, next to run first, by comment number or name."""
    if lab.stock:
        return [_name(_stock_arguments(raw)) for raw in reversed(lab.redis.lrange(queue, 0, -1))]
    ids = reversed(lab.redis.lrange(f"queue:{queue}", 0, -1))
    return [name_of(lab.redis, job) for job in ids]


def name_of(redis: Any, job: str) -> str:
    """What the job is about: the number of its comment, or its name."""
    return _name(parse(redis.lindex(f"job:{job}", 0)).arguments)


def started(redis: Any, seen: Timeline) -> list[str]:
    """The jobs' names in the order in which their last runs began."""
    jobs = sorted((job for job in seen.jobs if job.runs), key=lambda job: job.runs[-1].began)
    return [name_of(redis, job.id) for job in jobs]


def changed_places(seen: Timeline) -> int:
    """How many jobs did not start, or did not end, at the place at which they were put in."""
    return sum(len(set(places)) > 1 for places in _places(seen))


def order_picture(**runs: Timeline) -> Picture:
    """A line a job, from its place at the door, to that at its start, to that at its end."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    told = []
    for axes, (name, seen) in zip(
        figure.subplots(1, len(runs), squeeze=False)[0], runs.items(), strict=True
    ):
        lines = _places(seen)
        for places in lines:
            style = MOVED if len(set(places)) > 1 else KEPT
            axes.plot(range(3), places, marker="o", linewidth=1.8, **style)
        axes.set_xticks(range(3), ["put in", "started", "ended"], fontsize=13)
        axes.set_ylim(len(lines) + 0.6, 0.4)
        axes.set_ylabel("place in the line", fontsize=12)
        axes.set_title(name.replace("_", " "), fontsize=14, loc="left")
        axes.tick_params(axis="y", labelsize=12)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color=EDGE, alpha=0.15)
        told.append(
            f"{name.replace('_', ' ')}: {changed_places(seen)} of {len(lines)} jobs changed places"
        )
    handles = [
        Line2D([], [], marker="o", label="kept its place", **KEPT),
        Line2D([], [], marker="o", label="overtook, or was overtaken", **MOVED),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=13)
    return Picture.of(figure, "; ".join(told) + ".")


def _name(arguments: dict[str, Any]) -> str:
    return str(arguments.get("name", arguments.get("comment_id", "?")))


def _stock_arguments(raw: str) -> dict[str, Any]:
    arguments: dict[str, Any] = json.loads(base64.b64decode(json.loads(raw)["body"]))[1]
    return arguments


def _put_in(job: JobLine) -> float:
    return job.enqueued


def _began(job: JobLine) -> float:
    return job.runs[-1].began


def _done(job: JobLine) -> float:
    return job.done or 0.0


def _places(seen: Timeline) -> list[tuple[int, ...]]:
    """For each job that is done, its place as it was put in, as it started, and as it ended."""
    jobs = [job for job in seen.jobs if job.done]
    ranks = [_ranks(jobs, moment) for moment in (_put_in, _began, _done)]
    return [tuple(rank[n] + 1 for rank in ranks) for n in range(len(jobs))]


def _ranks(jobs: Sequence[JobLine], moment: Any) -> list[int]:
    order = sorted(range(len(jobs)), key=lambda n: moment(jobs[n]))
    return [order.index(n) for n in range(len(jobs))]
