"""The numbers to watch, over time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from demo_app.demo.colours import EDGE, KILL, RUNNING
from demo_app.demo.timeline import Timeline
from lab.figures import drawn, panels
from lab.language import say, sentence
from lab.running import Lab
from lab.show import Picture, seconds

#: Samples a second.
RATE = 10.0


@dataclass(frozen=True, slots=True)
class Sample:
    """at: seconds since the first job. depth: jobs that wait. latency: seconds that the oldest of
    them has waited."""

    at: float
    depth: int
    latency: float


def numbers_of(lab: Lab) -> list[Sample]:
    """The numbers from the first job until now, as the journal in Redis has them."""
    seen, now = lab.seen(), time.time()
    looks = (seen.start + n / RATE for n in range(int((now - seen.start) * RATE)))
    return [_sample(seen, moment) for moment in (*looks, now)]


def watch_picture(**runs: Sequence[Sample]) -> Picture:
    """Depth and latency over time, one column per run; the same scale for all."""
    figure, grid = panels(5.2, 2, len(runs), sharex=True, sharey="row")
    depths, latencies = grid[: len(runs)], grid[len(runs) :]
    sentences = []
    for depth, latency, (name, samples) in zip(depths, latencies, runs.items(), strict=True):
        label, at = name.replace("_", " "), [one.at for one in samples]
        waiting, oldest = [one.depth for one in samples], [one.latency for one in samples]
        depth.fill_between(at, waiting, step="post", color=RUNNING, alpha=0.35)
        depth.plot(at, waiting, color=RUNNING, linewidth=2, drawstyle="steps-post")
        depth.set_title(drawn(label), fontsize=14, loc="left")
        latency.plot(at, oldest, color=KILL, linewidth=2.6, linestyle="--")
        latency.set_xlabel(drawn("seconds"), fontsize=12)
        told = "{label}: at most {n} jobs waited, the oldest for at most {wait}"
        most = {"n": max(waiting), "wait": seconds(max(oldest))}
        sentences.append(say(told, label=say(label), **most))
    depths[0].set_ylabel(drawn("depth: jobs that wait"), fontsize=12)
    latencies[0].set_ylabel(drawn("latency: the oldest\nwaits, in seconds"), fontsize=12)
    for axes in grid:
        axes.grid(color=EDGE, alpha=0.2)
    return Picture.of(figure, sentence(sentences))


def _sample(seen: Timeline, moment: float) -> Sample:
    came = [job for job in seen.jobs if job.enqueued <= moment]
    waits = [moment - one.enqueued for one in came if not one.runs or one.runs[0].began > moment]
    return Sample(moment - seen.start, len(waits), max(waits, default=0.0))
