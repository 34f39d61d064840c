"""The ledger: what was promised, and what became of it. A late mail is not a lost one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One promise. Times in epoch seconds; arrived: None when there is no mail."""

    name: object
    promised: float
    arrived: float | None
    deliveries: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every promise.

    late: how many of them have no mail yet, and will have one: something still holds their jobs.
    """

    lines: tuple[Line, ...]
    late: int = 0

    @property
    def comments(self) -> int:
        """How many comments were accepted, each of them the promise of a mail."""
        return len(self.lines)

    @property
    def arrived(self) -> int:
        """How many of them have their mail in the inbox."""
        return sum(line.arrived is not None for line in self.lines)

    @property
    def missing(self) -> int:
        """How many have no mail, be they late or lost."""
        return self.comments - self.arrived

    @property
    def lost(self) -> int:
        """How many have no mail and will never have one."""
        return max(0, self.missing - self.late)

    @property
    def twice(self) -> int:
        """How many mails the mail server received more than once."""
        return sum(line.deliveries > 1 for line in self.lines)


def lines_of(
    promised: Iterable[tuple[str, float]], mails: Iterable[Mapping[str, Any]]
) -> tuple[Line, ...]:
    """Return a line for each promise. Its name is the job, which is in a header of its mail.

    promised: jobs, and when they were promised. mails: as the inbox lists them.
    """
    arrived: dict[str, list[float]] = {}
    deliveries: dict[str, int] = {}
    for mail in mails:
        job, at = mail["job_id"], datetime.fromisoformat(mail["received_at"]).timestamp()
        arrived.setdefault(job, []).append(at)
        deliveries[job] = deliveries.get(job, 0) + mail["deliveries"]
    return tuple(
        Line(job, at, min(arrived.get(job, ()), default=None), deliveries.get(job, 0))
        for job, at in promised
    )
