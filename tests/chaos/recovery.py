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

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from chaos.context import Fault
from demo_app.broker.fold import Fold

#: Seconds after a fault after which nothing counts as its effect.
_HORIZON = 120.0
#: Seconds by which a rule's hit may be noticed late, and by which a client notices a hang.
_POLL, _TIMEOUT = 0.3, 2.7


def recoveries(
    faults: Iterable[Fault],
    fold: Fold,
    accepted: list[float],
    arrivals: list[float],
    travels: list[tuple[float, float]],
) -> list[float]:
    """The seconds of each fault that interrupted something, in the faults' order.

    fold: of the queue's journal. accepted, arrivals: epoch seconds at which a comment was accepted,
    and a mail taken; sorted. travels: the same of each comment and its own mail.
    """
    known = _Known(fold, accepted, arrivals, travels)
    faults = list(faults)
    found = []
    for fault in faults:
        ends = [end for end in known.ends(fault) if end is not None]
        if not ends:
            continue
        end = max(ends)
        parts = {fault.hit, "redis", "all"} - {"worker", "mail"}
        later = [f.over for f in faults if f.hit in parts and fault.over < f.over < end]
        found.append(max(0.0, end - max([fault.over, *later])))
    return found


class _Known:
    """What the parts wrote down, ready to be asked."""

    def __init__(
        self,
        fold: Fold,
        accepted: list[float],
        arrivals: list[float],
        travels: list[tuple[float, float]],
    ) -> None:
        self._accepted, self._arrivals, self._travels = accepted, arrivals, travels
        self._jobs = list(fold.jobs.values())
        self._claims = sorted(run.began for job in self._jobs for run in job.runs)

    def ends(self, fault: Fault) -> Iterator[float | None]:
        """When each thing that the fault had stopped went on."""
        if fault.hit in ("worker", "all"):
            yield from self._jobs_of(fault)
        if fault.hit in ("web", "all"):
            yield _next(self._accepted, fault.over)
        if fault.hit in ("redis", "all"):
            yield _next(self._claims, fault.over)
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
        for job in self._jobs:
            for run in job.runs:
                given_back = run.how in ("rescued", "requeued")
                mine = any(f"-{pid}-" in run.worker for pid in fault.pids)
                # one that began after the fault: its worker woke up, and was hit again
                if not given_back or not mine or run.began > fault.at + _POLL:
                    continue
                if run.ended and fault.at <= run.ended <= fault.at + _HORIZON:
                    yield _next([other.began for other in job.runs], run.ended)

    def _failed(self, since: float, until: float, after: float) -> Iterator[float | None]:
        for job in self._jobs:
            claims = [run.began for run in job.runs]
            for run in job.runs:
                if run.how == "retrying" and since <= (run.ended or 0.0) <= until:
                    yield _next(claims, max(after, run.ended or 0.0))


def _next(times: list[float], after: float) -> float | None:
    index = bisect_right(times, after)
    return times[index] if index < len(times) else None
