"""How long the system took to recover from each fault, from what the parts wrote down.

- A worker was hit: until the last job that it held was claimed again.
- The web app: until a comment was accepted again. Redis: until a job was claimed again. The mail
  server: until it took a mail again. Everything at once: until all of these.
- A single mail (refused for now, hung): from the claim of the try that failed to the next claim.

The time runs from the fault, or from the end of one that lasts; and from the last fault that hit
Redis or everything, when that came in the way.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from demo_app.chaos.faults import Fault
from demo_app.queue.connection import Decoded

_PID = re.compile(r"-(\d+)-[0-9a-f]+\.\d+$")
#: Seconds after a fault beyond which nothing is put down to it any more.
_HORIZON = 120.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal; pid: of the worker that wrote it, or that was found dead."""

    at: float
    event: str
    job: str
    pid: int
    detail_pid: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """What had to recover, and the seconds that it took."""

    kind: str
    seconds: float


def journal_of(client: Decoded) -> list[Entry]:
    """The whole journal."""
    return [
        Entry(
            int(number.partition("-")[0]) / 1000,
            fields["event"],
            fields["job"],
            _pid(fields["by"]),
            _pid(fields["detail"]),
        )
        for number, fields in client.xrange("journal")
    ]


def recoveries(
    faults: Iterable[Fault],
    journal: list[Entry],
    accepted: list[float],
    arrivals: list[float],
) -> list[Recovery]:
    """One for each fault that interrupted something, in no particular order.

    accepted, arrivals: epoch seconds at which a comment was accepted, and a mail taken; sorted.
    """
    faults = list(faults)
    claims: dict[str, list[float]] = defaultdict(list)
    for entry in journal:
        if entry.event == "claimed":
            claims[entry.job].append(entry.at)
    moves = [entry for entry in journal if entry.event in ("rescued", "requeued")]
    all_claims = sorted(at for times in claims.values() for at in times)
    blockers = sorted(fault.over for fault in faults if fault.hit in ("redis", "all"))
    found = [Recovery("mail", seconds) for seconds in _single_mails(journal)]
    for fault in faults:
        ends: list[float | None] = []
        if fault.hit in ("worker", "all"):
            ends.append(_jobs_of(fault, moves, claims))
        if fault.hit in ("web", "all"):
            ends.append(_next(accepted, fault.over))
        if fault.hit in ("redis", "all"):
            ends.append(_next(all_claims, fault.over))
        if fault.hit in ("smtp", "all"):
            ends.append(_next(arrivals, fault.over))
        known = [end for end in ends if end is not None]
        if known:
            end = max(known)
            in_the_way = [at for at in blockers if fault.over < at < end]
            took = max(0.0, end - max([fault.over, *in_the_way]))
            found.append(Recovery(fault.kind, took))
    return found


def _jobs_of(fault: Fault, moves: list[Entry], claims: dict[str, list[float]]) -> float | None:
    """When the last job that the workers held was claimed again."""
    ends = []
    for entry in moves:
        if not fault.at <= entry.at <= fault.at + _HORIZON:
            continue
        rescued = entry.event == "rescued" and entry.detail_pid in fault.pids
        if rescued or (entry.event == "requeued" and entry.pid in fault.pids):
            again = _next(claims[entry.job], entry.at)
            if again is not None:
                ends.append(again)
    return max(ends, default=None)


def _single_mails(journal: list[Entry]) -> Iterable[float]:
    last_claim: dict[str, float] = {}
    failed: dict[str, float] = {}
    for entry in journal:
        if entry.event == "claimed":
            if entry.job in failed:
                yield entry.at - failed.pop(entry.job)
            last_claim[entry.job] = entry.at
        elif entry.event == "retrying":
            failed[entry.job] = last_claim.get(entry.job, entry.at)


def _next(times: list[float], after: float) -> float | None:
    index = bisect_right(times, after)
    return times[index] if index < len(times) else None


def _pid(text: Any) -> int:
    found = _PID.search(text)
    return int(found[1]) if found else 0


def percentile(values: Iterable[float], share: float) -> float:
    """The value that so large a share (0 to 1) of the values does not exceed; 0 for none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
