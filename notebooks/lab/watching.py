"""The numbers to watch, over time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from demo_app.demo.colours import EDGE, KILL, RUNNING
from lab.figures import drawn, panels
from lab.language import say, sentence
from lab.running import Lab
from lab.show import Picture, seconds

#: Samples a second.
RATE = 10.0


@dataclass(frozen=True, slots=True)
class Sample:
    """at: seconds since the first sample. depth: jobs that wait. latency: seconds that the oldest
    of them has waited."""

    at: float
    depth: int
    latency: float


@contextmanager
def watch_numbers(lab: Lab) -> Iterator[list[Sample]]:
    """Takes samples while something is done."""
    samples, began, ended = [_sample(lab, time.monotonic())], time.monotonic(), threading.Event()

    def watch() -> None:
        while not ended.wait(1 / RATE):
            samples.append(_sample(lab, began))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()
        samples.append(_sample(lab, began))


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


def _sample(lab: Lab, began: float) -> Sample:
    now = lab.client.summary()
    oldest = lab.client.jobs("queued", limit=1)["jobs"]
    latency = max(0.0, time.time() - oldest[0]["enqueued_at"]) if oldest else 0.0
    return Sample(time.monotonic() - began, now["queued"], latency)
