"""How many jobs were done over time, and how long they took, as Redis remembers it.

The finish script counts by minute (`throughput:<day>`), so the numbers outlive every process. The
last minute, second by second, comes from the newest finished jobs themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from .connection import Decoded
from .inspect import KEYS
from .message import parse_or_quote

_DAY_MINUTES = 1440


class Window(StrEnum):
    """How far back to look."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar of the chart: jobs done, and the mean seconds from enqueueing to the end.

    latency: None when nothing was timed then.
    """

    done: int
    latency: float | None


def buckets(client: Decoded, window: Window) -> list[Bucket]:
    """The bars of a window, the oldest first: 60 seconds, 60 minutes, or 96 quarters of an hour."""
    seconds, micros = client.time()
    now = float(seconds) + float(micros) / 1e6
    if window is Window.MINUTE:
        return _by_second(client, now)
    minutes = int(now // 60)
    if window is Window.HOUR:
        return _by_minutes(client, minutes, count=60, each=1)
    return _by_minutes(client, minutes, count=96, each=15)


def _by_second(client: Decoded, now: float) -> list[Bucket]:
    first = math.floor(now) - 59
    pipe = client.pipeline(transaction=False)
    for second in range(first, first + 60):
        pipe.zcount("done", second, f"({second + 1}")
        # one job is counted for its second: 60 reads, however many were done
        pipe.zrevrangebyscore("done", f"({second + 1}", second, start=0, num=1, withscores=True)
    answers = pipe.execute()
    newest = [rows[0] if rows else None for rows in answers[1::2]]
    for row in newest:
        if row is not None:
            pipe.lindex(KEYS("job", row[0]), 0)
    messages = iter(pipe.execute())
    found = []
    for count, row in zip(answers[::2], newest, strict=True):
        message = next(messages) if row is not None else None
        latency = None
        if row and message:
            latency = max(0.0, row[1] - parse_or_quote(row[0], message).enqueued_at)
        found.append(Bucket(int(count), latency))
    return found


def _by_minutes(client: Decoded, last: int, *, count: int, each: int) -> list[Bucket]:
    first = (last // each - count + 1) * each
    minutes = range(first, first + count * each)
    pipe = client.pipeline(transaction=False)
    days = sorted({minute // _DAY_MINUTES for minute in minutes})
    for day in days:
        pipe.hgetall(KEYS("throughput", day))
    told = dict(zip(days, pipe.execute(), strict=True))

    def number(minute: int, what: str) -> int:
        return int(told[minute // _DAY_MINUTES].get(f"{minute % _DAY_MINUTES} {what}", 0))

    found = []
    for start in range(first, first + count * each, each):
        span = range(start, start + each)
        timed = sum(number(minute, "timed") for minute in span)
        total = sum(number(minute, "ms") for minute in span)
        done = sum(number(minute, "done") for minute in span)
        found.append(Bucket(done, total / timed / 1000 if timed else None))
    return found
