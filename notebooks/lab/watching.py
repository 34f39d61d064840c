"""The numbers to watch, as time goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from matplotlib.figure import Figure

from demo_app.verification.demo.colours import EDGE, KILL, RUNNING
from lab.show import Picture, seconds

if TYPE_CHECKING:
    from lab.running import Lab

#: Samples a second.
RATE = 10.0
#: Seconds after which what was waited for is waited for no more.
PATIENCE = 120.0


@dataclass(slots=True)
class Numbers:
    """Samples: at (seconds since the first), depth (jobs), latency (seconds), failures (jobs)."""

    at: list[float] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"{len(self.at)} samples in {self.at[-1] if self.at else 0:.1f} s"


def metrics(lab: Lab) -> str:
    """What Prometheus would read: the numbers, without the lines that explain them."""
    ready = lab.stack.ready
    bearer = {"authorization": f"Bearer {ready['token']}"}
    text = httpx.get(f"{ready['web']}/metrics", headers=bearer).raise_for_status().text
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def watch_numbers(
    lab: Lab,
    act: Callable[[], Any],
    until: Callable[[], bool] | None = None,
    seconds: float = 0.0,
) -> Numbers:
    """Do something, and take samples until it is so, or for that time after it was done."""
    numbers, began = Numbers(), time.monotonic()
    done = began
    doing = threading.Thread(target=act)
    doing.start()

    def over() -> bool:
        return until() if until is not None else time.monotonic() - done >= seconds

    while doing.is_alive() or (not over() and time.monotonic() - done < PATIENCE):
        _sample(lab, numbers, began)
        if doing.is_alive():
            done = time.monotonic()
        time.sleep(1 / RATE)
    _sample(lab, numbers, began)
    return numbers


def watch_picture(**runs: Numbers) -> Picture:
    """Depth and latency over time, one column a run; the same scale for all."""
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    panels: Any = figure.subplots(2, len(runs), sharex=True, sharey="row", squeeze=False)
    told = []
    for column, (name, numbers) in enumerate(runs.items()):
        label = name.replace("_", " ")
        depth, latency = panels[0][column], panels[1][column]
        depth.fill_between(numbers.at, numbers.depth, step="post", color=RUNNING, alpha=0.35)
        depth.plot(numbers.at, numbers.depth, color=RUNNING, linewidth=2, drawstyle="steps-post")
        depth.set_title(label, fontsize=14, loc="left")
        latency.plot(numbers.at, numbers.latency, color=KILL, linewidth=2.6, linestyle="--")
        latency.set_xlabel("seconds", fontsize=12)
        told.append(
            f"{label}: at most {max(numbers.depth)} jobs waited, "
            f"the oldest for at most {seconds(max(numbers.latency))}"
        )
    panels[0][0].set_ylabel("depth: jobs that wait", fontsize=12)
    panels[1][0].set_ylabel("latency: the oldest\nwaits, in seconds", fontsize=12)
    for axes in panels.flat:
        axes.grid(color=EDGE, alpha=0.2)
        axes.tick_params(labelsize=12)
        axes.spines[["top", "right"]].set_visible(False)
    return Picture.of(figure, "; ".join(told) + ".")


def _sample(lab: Lab, numbers: Numbers, began: float) -> None:
    now = lab.client.summary()
    oldest = lab.client.jobs("queued", limit=1)["jobs"]
    numbers.at.append(time.monotonic() - began)
    numbers.depth.append(now["queued"])
    numbers.latency.append(max(0.0, time.time() - oldest[0]["enqueued_at"]) if oldest else 0.0)
    numbers.failures.append(now["retrying"] + now["dead"])
