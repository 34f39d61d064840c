"""How long jobs wait as the load grows: measured on the real queue, beside the theory."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from demo_app.story import timeline as timelines
from demo_app.story.colours import DELIVERED, EDGE, KILL, RUNNING
from demo_app.story.play import journal_end
from lab.jobs import work
from lab.show import Picture, seconds

if TYPE_CHECKING:
    from lab.running import Lab


@dataclass(frozen=True, slots=True)
class Load:
    """One run. utilisation: the share of the time in which the worker was busy. Times in seconds;
    rate: jobs a second. mean_queue: the average number of jobs that waited."""

    jobs: int
    utilisation: float
    mean_wait: float
    mean_work: float
    rate: float
    mean_queue: float

    @property
    def predicted_wait(self) -> float:
        """The mean wait in a line with one server, chance arrivals and chance lengths (M/M/1)."""
        return self.mean_work * self.utilisation / max(0.01, 1.0 - self.utilisation)


def run_load(lab: Lab, share: float, jobs: int = 80, mean_work: float = 0.02) -> Load:
    """Put jobs in at chance moments, such that a worker's single thread is busy for that share of
    the time, and measure what happened. share: 0 to 1."""
    chance = random.Random(4)
    lengths = [chance.expovariate(1 / mean_work) for _ in range(jobs)]
    gaps = [chance.expovariate(share / mean_work) for _ in range(jobs)]
    since, due = journal_end(lab.client), time.monotonic()
    for number, (gap, length) in enumerate(zip(gaps, lengths, strict=True)):
        due += gap
        time.sleep(max(0.0, due - time.monotonic()))
        work.enqueue(name=f"{number}", seconds=length)
    lab.wait()
    seen = timelines.read(lab.redis, since)
    first = min(job.enqueued for job in seen.jobs)
    last = max(job.done or 0.0 for job in seen.jobs)
    waits = [job.runs[-1].began - job.enqueued for job in seen.jobs]
    works = [(job.done or 0.0) - job.runs[-1].began for job in seen.jobs]
    span = last - first
    return Load(
        jobs=len(seen.jobs),
        utilisation=sum(works) / span,
        mean_wait=sum(waits) / len(waits),
        mean_work=sum(works) / len(works),
        rate=len(waits) / span,
        mean_queue=_mean_queue([(job.enqueued, job.runs[-1].began) for job in seen.jobs], span),
    )


def _mean_queue(stays: Sequence[tuple[float, float]], span: float) -> float:
    """The average length of the line: walk through the moments at which it changed."""
    changes = sorted([(came, 1) for came, _ in stays] + [(left, -1) for _, left in stays])
    area, length, at = 0.0, 0, changes[0][0]
    for moment, change in changes:
        area += length * (moment - at)
        length, at = length + change, moment
    return area / span


def load_picture(loads: Sequence[Load]) -> Picture:
    """The measured waits, over the curve that the theory predicts."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    axes = figure.add_subplot()
    work_time = sum(load.mean_work for load in loads) / len(loads)
    shares = [n / 100 for n in range(1, 98)]
    curve = [work_time * share / (1 - share) * 1000 for share in shares]
    percent = [100 * share for share in shares]
    axes.plot(percent, curve, color=RUNNING, linewidth=2.4, label="predicted")
    axes.plot(
        [100 * load.utilisation for load in loads],
        [1000 * load.mean_wait for load in loads],
        "o", color=DELIVERED, markersize=9, label="measured",
    )  # fmt: skip
    axes.axvline(80, color=KILL, linestyle=(0, (4, 3)))
    axes.annotate("80 %: the knee", (79, 0.9), xycoords=("data", "axes fraction"), ha="right",
                  fontsize=13, color=KILL)  # fmt: skip
    axes.set_ylim(0, 1.15 * max([*(1000 * load.mean_wait for load in loads), curve[89]]))
    axes.set_xlim(0, 100)
    axes.set_xlabel("the worker is busy, in % of the time", fontsize=13)
    axes.set_ylabel("a job waits, in ms", fontsize=13)
    axes.tick_params(labelsize=12)
    axes.grid(color=EDGE, alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=13, loc="center left")
    told = [
        f"busy {load.utilisation:.0%}: waits {seconds(load.mean_wait)}, "
        f"predicted {seconds(load.predicted_wait)}"
        for load in loads
    ]
    return Picture.of(figure, "Mean wait of a job. " + "; ".join(told) + ".")
