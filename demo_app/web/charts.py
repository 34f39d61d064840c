"""The charts of the dashboard as plain numbers for an SVG template."""

from __future__ import annotations

import math
from dataclasses import dataclass

from demo_app.broker.throughput import Bucket, Window

WIDTH, BASE = 360, 100
#: What one bar of a window stands for, in seconds.
_EACH = {Window.MINUTE: 1, Window.HOUR: 60, Window.DAY: 900}


@dataclass(frozen=True, slots=True)
class Bar:
    """What was done in one stretch of time: a bar, and a dot for the latency.

    done: jobs. latency: mean seconds, None when nothing was timed. The rest is in the units of the
    drawing: x and width of the bar, the height of its top, and the height of the dot.
    """

    done: int
    latency: float | None
    x: float
    width: float
    height: float
    dot: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Jobs done as bars, their latency as a line of dots.

    total: jobs done in the window. rate: the highest bar, in jobs a second. slowest, mean:
    seconds from enqueueing to the end; None when nothing was timed.
    """

    window: Window
    bars: tuple[Bar, ...]
    total: int
    rate: float
    slowest: float | None
    mean: float | None


def chart(window: Window, buckets: list[Bucket]) -> Chart:
    """The drawing of a window's buckets."""
    most = max((bucket.done for bucket in buckets), default=0)
    timed = [(bucket.latency, bucket.done) for bucket in buckets if bucket.latency is not None]
    slowest = max((latency for latency, _ in timed), default=None)
    weight = sum(done for _, done in timed)
    step = WIDTH / max(1, len(buckets))
    bars = tuple(
        Bar(
            bucket.done,
            bucket.latency,
            x=round((number + 0.1) * step, 1),
            width=round(step * 0.8, 1),
            height=round(max(1.5, bucket.done / most * (BASE - 4)), 1) if most else 0.0,
            dot=round(_share(bucket.latency or 0.0, slowest) * (BASE - 6), 1),
        )
        for number, bucket in enumerate(buckets)
        if bucket.done
    )
    mean = sum(latency * done for latency, done in timed) / weight if weight else None
    total = sum(bucket.done for bucket in buckets)
    return Chart(window, bars, total, most / _EACH[window], slowest, mean)


def _share(latency: float, slowest: float | None) -> float:
    # a logarithm: a mail takes 20 ms or a minute, and both should be seen
    return math.log1p(latency * 100) / math.log1p(slowest * 100) if slowest else 0.0
