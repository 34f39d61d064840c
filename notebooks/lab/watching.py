"""The numbers to watch, over time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from demo_app.demo.colours import EDGE, KILL, RUNNING
from lab.figures import drawn, panels
from lab.language import say, sentence
from lab.progress import Progress
from lab.running import Lab
from lab.show import Picture, seconds

#: Samples a second.
RATE = 10.0
#: Seconds after which it stops waiting.
PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Sample:
    """at: seconds since the first sample. depth: jobs that wait. latency: seconds that the oldest
    of them has waited. failures: jobs that are retrying or dead."""

    at: float
    depth: int
    latency: float
    failures: int


class Samples(list[Sample]):
    """Samples, the first one first."""

    def __repr__(self) -> str:
        seconds = self[-1].at if self else 0
        return say("{n} samples in {seconds:.1f} s", n=len(self), seconds=seconds)


def metrics(lab: Lab) -> str:
    """What Prometheus would read: the numbers, without the lines that explain them."""
    text = lab.client.web.get("/metrics").raise_for_status().text
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def watch_numbers(
    lab: Lab,
    act: Callable[[], Any],
    until: Callable[[], bool] | None = None,
    seconds: float = 0.0,
) -> Samples:
    """Do something, and take samples until a condition is true, or for so long after it."""
    samples, began = Samples(), time.monotonic()
    done = began
    doing = threading.Thread(target=act)
    doing.start()

    def over() -> bool:
        return until() if until is not None else time.monotonic() - done >= seconds

    with Progress("the numbers"):
        while doing.is_alive() or (not over() and time.monotonic() - done < PATIENCE):
            samples.append(_sample(lab, began))
            if doing.is_alive():
                done = time.monotonic()
            time.sleep(1 / RATE)
        samples.append(_sample(lab, began))
    return samples


def watch_picture(**runs: Samples) -> Picture:
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
    failures = now["retrying"] + now["dead"]
    return Sample(time.monotonic() - began, now["queued"], latency, failures)
