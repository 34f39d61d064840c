"""Counts of promised, arrived, late and lost mails. A late mail is not lost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One promised mail.

    Attributes:
        promised, arrived: times in seconds since the epoch. `arrived` is None if no mail has
            arrived.
    """

    name: object
    promised: float
    arrived: float | None
    deliveries: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every promised mail.

    Attributes:
        late: the number of mails that have not arrived and whose job still exists.
    """

    lines: tuple[LedgerLine, ...]
    late: int = 0

    @property
    def comments(self) -> int:
        return len(self.lines)

    @property
    def arrived(self) -> int:
        return sum(line.arrived is not None for line in self.lines)

    @property
    def missing(self) -> int:
        """The number of mails that are late or lost."""
        return self.comments - self.arrived

    @property
    def lost(self) -> int:
        return max(0, self.missing - self.late)

    @property
    def twice(self) -> int:
        return sum(line.deliveries > 1 for line in self.lines)


def lines_of(
    promised: Iterable[tuple[str, float]], mails: Iterable[Mapping[str, Any]]
) -> tuple[LedgerLine, ...]:
    """Return a line for each promised mail. A line's `name` is the id of the mail's job.

    Args:
        promised: the job id of each mail, with the time of the promise (seconds since the epoch).
        mails: the mails as the inbox lists them.
    """
    arrived: dict[str, list[float]] = {}
    deliveries: dict[str, int] = {}
    for mail in mails:
        job, at = mail["job_id"], datetime.fromisoformat(mail["received_at"]).timestamp()
        arrived.setdefault(job, []).append(at)
        deliveries[job] = deliveries.get(job, 0) + mail["deliveries"]
    return tuple(
        LedgerLine(job, at, min(arrived.get(job, ()), default=None), deliveries.get(job, 0))
        for job, at in promised
    )
