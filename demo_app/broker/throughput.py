"""How many jobs were done over time: what the finished jobs that Redis keeps (`history_length`)
tell, so that it outlives every process."""

from __future__ import annotations

from dataclasses import dataclass

from .connection import Decoded

#: The bars of a chart, and what they span together with the seconds of each.
_BARS = 60
_WINDOWS = {"minute": 1, "hour": 60, "day": 1440}


@dataclass(frozen=True, slots=True)
class Chart:
    """How many were done in each bar of so many seconds, the oldest first. whole: whether all of
    them are still kept."""

    window: str
    each: int
    bars: list[int]
    whole: bool


def charts(client: Decoded) -> list[Chart]:
    """The last minute, hour and day."""
    now, _ = client.time()
    pipe = client.pipeline(transaction=False)
    for each in _WINDOWS.values():
        end = now // each * each + each
        for begin in range(end - _BARS * each, end, each):
            pipe.zcount("done", begin, f"({begin + each}")
    pipe.hget("counters", "done").zcard("done").zrange("done", 0, 0, withscores=True)
    *counts, done, kept, oldest = pipe.execute()
    since = oldest[0][1] if oldest and int(done or 0) > kept else 0.0
    return [
        Chart(window, each, counts[_BARS * number : _BARS * (number + 1)],
              whole=since < now - _BARS * each)
        for number, (window, each) in enumerate(_WINDOWS.items())
    ]  # fmt: skip
