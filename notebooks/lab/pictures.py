"""Pictures of measurements: response times, retries, and the numbers of a queue."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.ticker import MaxNLocator
from numpy import percentile

from demo_app.demo.colours import DELIVERED, EDGE, INK, KILL, RUNNING
from demo_app.demo.timeline import Timeline
from lab.figures import NOTHING, label_of, panels, titled
from lab.language import sentence, translate
from lab.ledger import Posted
from lab.running import Lab
from lab.show import LabError, Picture, seconds

#: Length of a time step (seconds).
_MOMENT = 0.1


def response_times(**runs: Sequence[Posted]) -> Picture:
    """Draw each response time as a dot, one row per run, with the percentiles p50 and p99."""
    figure, (axes,) = panels(1.6 + 1.3 * len(runs))
    longest = max(posted.took for posts in runs.values() for posted in posts)
    names = [name.replace("_", " ") for name in runs]
    sentences = []
    for row, (name, posts) in enumerate(zip(names, runs.values(), strict=True)):
        values = [posted.took for posted in posts]
        spread = [row + 0.26 * ((n * 7) % 11 - 5) / 5 for n in range(len(values))]
        axes.plot(values, spread, "o", color=RUNNING, markersize=6, alpha=0.6)
        p50, p99 = map(float, percentile(values, (50, 99)))
        # p50's label is above and p99's below, so that they never overlap
        for share, at, color, style, end, va in (
            (50, p50, DELIVERED, "-", row - 0.34, "bottom"),
            (99, p99, KILL, "--", row + 0.34, "top"),
        ):
            axes.plot([at, at], [row - 0.3, row + 0.3], style, color=color, linewidth=2.6)
            axes.annotate(f"p{share}: {seconds(at)}", (at, end), fontsize=14, color=INK, va=va,
                          ha="right" if at > 0.85 * longest else "left")  # fmt: skip
        data: Any = {"p50": seconds(p50), "p99": seconds(p99), "n": len(values)}
        sentences.append(
            translate("{name}: p50 {p50}, p99 {p99}, {n} answers", name=translate(name), **data)
        )
    axes.set_yticks(range(len(runs)), list(map(label_of, names)), fontsize=14)
    axes.set_ylim(len(runs) - 0.35, -0.65)
    axes.set_xlim(left=0)
    axes.set_xlabel(label_of("seconds that a reader waited"), fontsize=13)
    return Picture.of(figure, translate("Response times. ") + sentence(sentences))


def in_tenths(seen: Timeline, names: Mapping[str, str]) -> dict[str, Counter[int]]:
    """Return, for each task, the number of retries that began in each tenth of a second.

    The tenths are counted from the time when the first job was enqueued. A task without retries has
    a single count of 0. This happens on a busy machine, if the jobs begin only after the service is
    up.

    Args:
        names: the name of each job's task, by job id.
    """
    found = {name: Counter[int]({0: 0}) for name in sorted({*names.values()})}
    for job in (job for job in seen.jobs if job.id in names):
        found[names[job.id]].update(int((run.began - seen.start) / _MOMENT) for run in job.runs[1:])
    return found


def herd_picture(**tries: Counter[int]) -> Picture:
    """Draw the retries in each tenth of a second (see `in_tenths`), one panel per task."""
    figure, grid = panels(4.6, len(tries), sharex=True, sharey=True)
    sentences = []
    for axes, label, counts in titled(grid, tries):
        axes.bar([n * _MOMENT for n in counts], list(counts.values()), width=_MOMENT, align="edge",
                 color=RUNNING, edgecolor=EDGE)  # fmt: skip
        axes.set_ylabel(label_of("tries in a\ntenth of a second"), fontsize=12)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        text, peak = "{label}: at most {n} tries in a tenth of a second", max(counts.values())
        sentences.append(translate(text, label=label, n=peak))
    grid[0].set_xlim(left=0)  # set this last, since all panels share the axis
    grid[-1].set_xlabel(label_of("seconds since the service went down"), fontsize=12)
    return Picture.of(figure, sentence(sentences))


@dataclass(frozen=True, slots=True)
class Sample:
    """The numbers of a queue at one moment.

    Attributes:
        at: seconds since the first job.
        depth: the number of waiting jobs.
        latency: the waiting time of the oldest waiting job (seconds).
    """

    at: float
    depth: int
    latency: float


def numbers_of(lab: Lab) -> list[Sample]:
    """Return a sample for each time step from the first job until now, from Redis's journal.

    Raises:
        LabError: there is no job yet.
    """
    seen, now = lab.seen(), time.time()
    if not seen.jobs:
        raise LabError(NOTHING)
    looks = (seen.start + n * _MOMENT for n in range(int((now - seen.start) / _MOMENT)))
    return [_sample(seen, moment) for moment in (*looks, now)]


def watch_picture(**runs: Sequence[Sample]) -> Picture:
    """Draw depth and latency over time, one column per run, with the same scale."""
    figure, grid = panels(5.2, 2, len(runs), sharex=True, sharey="row")
    depths, latencies = grid[: len(runs)], grid[len(runs) :]
    sentences = []
    for latency, (depth, label, samples) in zip(latencies, titled(depths, runs), strict=True):
        at = [one.at for one in samples]
        waiting, oldest = [one.depth for one in samples], [one.latency for one in samples]
        depth.fill_between(at, waiting, step="post", color=RUNNING, alpha=0.35)
        depth.plot(at, waiting, color=RUNNING, linewidth=2, drawstyle="steps-post")
        latency.plot(at, oldest, color=KILL, linewidth=2.6, linestyle="--")
        latency.set_xlabel(label_of("seconds"), fontsize=12)
        text = "{label}: at most {n} jobs waited, the oldest for at most {wait}"
        maxima = {"n": max(waiting), "wait": seconds(max(oldest))}
        sentences.append(translate(text, label=label, **maxima))
    depths[0].set_ylabel(label_of("depth: jobs that wait"), fontsize=12)
    latencies[0].set_ylabel(label_of("latency: the oldest\nwaits, in seconds"), fontsize=12)
    for axes in grid:
        axes.grid(color=EDGE, alpha=0.2)
    return Picture.of(figure, sentence(sentences))


def _sample(seen: Timeline, moment: float) -> Sample:
    came = [job for job in seen.jobs if job.enqueued <= moment]
    waits = [moment - one.enqueued for one in came if not one.runs or one.runs[0].began > moment]
    return Sample(moment - seen.start, len(waits), max(waits, default=0.0))
