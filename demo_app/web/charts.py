"""The charts of the dashboard as plain numbers for an SVG template."""

from __future__ import annotations

import math
from dataclasses import dataclass

from demo_app.broker.throughput import Bucket, Window

WIDTH, HEIGHT, BASE = 360, 120, 100
#: What one bar of a window stands for, in seconds.
_EACH = {Window.MINUTE: 1, Window.HOUR: 60, Window.DAY: 900}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Jobs done as bars, their latency as a line of dots; top values for the axes.

    total: jobs done in the window. rate: the highest bar, in jobs a second. slowest, mean:
    seconds from enqueueing to the end.
    """

    window: Window
    bars: tuple[Bar, ...]
    dots: tuple[tuple[float, float], ...]
    total: int
    rate: float
    slowest: float | None
    mean: float | None


def chart(window: Window, buckets: list[Bucket]) -> Chart:
    """The drawing of a window's buckets."""
    most = max((beat.done for beat in buckets), default=0)
    latencies = [beat.latency for beat in buckets if beat.latency is not None]
    slowest = max(latencies, default=None)
    step = WIDTH / max(1, len(buckets))
    bars = tuple(
        Bar(round(n * step + step * 0.1, 1), round(BASE - high, 1), round(step * 0.8, 1), high)
        for n, beat in enumerate(buckets)
        if beat.done
        for high in [round(max(1.5, beat.done / most * (BASE - 4)), 1)]
    )
    dots = tuple(
        (round((n + 0.5) * step, 1), round(BASE - _share(beat.latency, slowest) * (BASE - 6), 1))
        for n, beat in enumerate(buckets)
        if beat.latency is not None
    )
    weight = sum(beat.done for beat in buckets if beat.latency is not None)
    total = sum(beat.latency * beat.done for beat in buckets if beat.latency is not None)
    return Chart(
        window,
        bars,
        dots,
        sum(beat.done for beat in buckets),
        most / _EACH[window],
        slowest,
        total / weight if weight else None,
    )


def _share(latency: float, slowest: float | None) -> float:
    # a logarithm: a mail takes 20 ms or a minute, and both should be seen
    if not slowest:
        return 0.0
    return math.log1p(latency * 100) / math.log1p(slowest * 100)
