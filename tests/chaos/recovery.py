"""How long the system took to recover from each fault, from what the parts wrote down.

- A worker was hit: until the last job that it held at that moment was claimed again.
- The web app: until a comment was accepted again. Redis: until a job was claimed again.
- The mail server: until it took a mail again, and the last job that had failed since was
  claimed again. A single mail: until its job was claimed again.
- Everything at once: until all of these.
- A wire: until that, and until the last mail came of the comments that were accepted by its end.

The time runs from the fault, or from the end of one that lasts; and when another fault came in the
way, of the same part, of Redis or of everything, from that one.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chaos.context import Fault
from chaos.history import Line

_PID = re.compile(r"-(\d+)-[0-9a-f]+\.\d+$")
#: Seconds after a fault after which nothing counts as its effect.
_HORIZON = 120.0
#: Seconds by which a rule's hit may be noticed late, and by which a client notices a hang.
_POLL, _TIMEOUT = 0.3, 2.7


@dataclass(frozen=True, slots=True)
class Recovery:
    """What had to recover, and the seconds that it took."""

    kind: str
    seconds: float


def recoveries(
    faults: Iterable[Fault],
    journal: Sequence[Line],
    accepted: list[float],
    arrivals: list[float],
    travels: list[tuple[float, float]],
) -> list[Recovery]:
    """One for each fault that interrupted something, in no particular order.

    accepted, arrivals: epoch seconds at which a comment was accepted, and a mail taken; sorted.
    travels: the same of each comment and its own mail.
    """
    known = _Known(journal, accepted, arrivals, travels)
    faults = list(faults)
    found = []
    for fault in faults:
        ends = [end for end in known.ends(fault) if end is not None]
        if not ends:
            continue
        end = max(ends)
        parts = {fault.hit, "redis", "all"} - {"worker", "mail"}
        later = [f.over for f in faults if f.hit in parts and fault.over < f.over < end]
        found.append(Recovery(fault.kind, max(0.0, end - max([fault.over, *later]))))
    return found


class _Known:
    """What the parts wrote down, ready to be asked."""

    def __init__(
        self,
        journal: Sequence[Line],
        accepted: list[float],
        arrivals: list[float],
        travels: list[tuple[float, float]],
    ) -> None:
        self._accepted, self._arrivals, self._travels = accepted, arrivals, travels
        self._claims: dict[str, list[float]] = defaultdict(list)
        for line in journal:
            if line["event"] == "claimed":
                self._claims[line["job"]].append(line["at"])
        self._all_claims = sorted(at for times in self._claims.values() for at in times)
        self._moves = [line for line in journal if line["event"] in ("rescued", "requeued")]
        self._failures = [line for line in journal if line["event"] == "retrying"]

    def ends(self, fault: Fault) -> Iterator[float | None]:
        """When each thing that the fault had stopped went on."""
        if fault.hit in ("worker", "all"):
            yield from self._jobs_of(fault)
        if fault.hit in ("web", "all"):
            yield _next(self._accepted, fault.over)
        if fault.hit in ("redis", "all"):
            yield _next(self._all_claims, fault.over)
        if fault.hit in ("smtp", "all"):
            back = _next(self._arrivals, fault.over)
            yield back
            if back is not None:
                yield from self._failed(fault.at, back, back)
        if fault.kind.startswith("wire"):
            over = fault.over
            yield max((b for a, b in self._travels if a <= over < b), default=None)
        if fault.hit == "mail":
            yield from list(self._failed(fault.at - _POLL, fault.at + _TIMEOUT, fault.at))[:1]

    def _jobs_of(self, fault: Fault) -> Iterator[float | None]:
        for line in self._moves:
            # a rescue says in whom it was found, a requeue is said by the worker itself
            worker = line["detail"] if line["event"] == "rescued" else line["by"]
            at = line["at"]
            if _pid(worker) in fault.pids and fault.at <= at <= fault.at + _HORIZON:
                claims = self._claims[line["job"]]
                before = bisect_left(claims, at)
                # later than the fault: it woke up, and was hit again
                if before == 0 or claims[before - 1] <= fault.at + _POLL:
                    yield _next(claims, at)

    def _failed(self, since: float, until: float, after: float) -> Iterator[float | None]:
        for line in self._failures:
            if since <= line["at"] <= until:
                yield _next(self._claims[line["job"]], max(after, line["at"]))


def _next(times: list[float], after: float) -> float | None:
    index = bisect_right(times, after)
    return times[index] if index < len(times) else None


def _pid(worker: str) -> int:
    found = _PID.search(worker)
    return int(found[1]) if found else 0


def percentile(values: Iterable[float], share: float) -> float:
    """The value that so large a share (0 to 1) of the values does not exceed; 0 for none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
