"""The charts of the dashboard: what the SVG of the template needs beside the buckets."""

from __future__ import annotations

from dataclasses import dataclass

from demo_app.broker.throughput import Bucket, Window

#: How long one bucket of a window is, in seconds.
_EACH = {Window.MINUTE: 1, Window.HOUR: 60, Window.DAY: 900}


@dataclass(frozen=True, slots=True)
class Chart:
    """Jobs done as bars, their latency as a line of dots.

    most: the most jobs in one bucket. rate: the same in jobs a second. slowest, mean: seconds
    from enqueueing to the end; None when nothing was timed.
    """

    window: Window
    buckets: list[Bucket]
    total: int
    most: int
    rate: float
    slowest: float | None
    mean: float | None

    @property
    def spans(self) -> float:
        """How many seconds it goes back."""
        return len(self.buckets) * _EACH[self.window]


def chart(window: Window, buckets: list[Bucket]) -> Chart:
    """The drawing of a window's buckets."""
    most = max((bucket.done for bucket in buckets), default=0)
    timed = [(bucket.latency, bucket.done) for bucket in buckets if bucket.latency is not None]
    weight = sum(done for _, done in timed)
    return Chart(
        window,
        buckets,
        total=sum(bucket.done for bucket in buckets),
        most=most,
        rate=most / _EACH[window],
        slowest=max((latency for latency, _ in timed), default=None),
        mean=sum(latency * done for latency, done in timed) / weight if weight else None,
    )
