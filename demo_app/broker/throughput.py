"""How many jobs were done over time, and how long they took: what the finished jobs that Redis
keeps (`history_length`) tell, so that it outlives every process."""

from __future__ import annotations

from dataclasses import dataclass

from .connection import Decoded
from .events import event_of
from .inspect import KEYS

#: The bars of a chart, and what they span together with the seconds of each.
BARS = 60
WINDOWS = {"minute": 1, "hour": 60, "day": 1440}


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar of the chart: jobs done, and how many seconds the last of them took from enqueueing
    to the end; None when that can't be told."""

    done: int
    latency: float | None


def buckets(client: Decoded, each: int) -> list[Bucket]:
    """The last bars of so many seconds each, the oldest first."""
    current, _ = client.time()
    end = current // each * each + each
    pipe = client.pipeline(transaction=False)
    for begin in range(end - BARS * each, end, each):
        pipe.zcount("done", begin, f"({begin + each}")
        # one job is timed for its bar: few reads, however many were done
        pipe.zrevrangebyscore("done", f"({begin + each}", begin, start=0, num=1, withscores=True)
    answers = pipe.execute()
    last = [rows[0] if rows else ("", 0.0) for rows in answers[1::2]]
    for job, _ in last:
        pipe.lindex(KEYS("job", job), 1)
    found = []
    for count, (_, ended), line in zip(answers[::2], last, pipe.execute(), strict=True):
        began = event_of(line).at if line else 0.0
        found.append(Bucket(int(count), max(0.0, ended - began) if began else None))
    return found
