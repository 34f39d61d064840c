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
    """How many were done in each bar of so many seconds, the oldest first."""

    window: str
    each: int
    bars: list[int]


def charts(client: Decoded) -> list[Chart]:
    """The last minute, hour and day."""
    now, _ = client.time()
    pipe = client.pipeline(transaction=False)
    for each in _WINDOWS.values():
        end = now // each * each + each
        for begin in range(end - _BARS * each, end, each):
            pipe.zcount("done", begin, f"({begin + each}")
    counts = pipe.execute()
    return [
        Chart(window, each, counts[_BARS * number : _BARS * (number + 1)])
        for number, (window, each) in enumerate(_WINDOWS.items())
    ]
