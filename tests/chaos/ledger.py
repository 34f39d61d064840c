"""The fate of every comment, in numbers. `check` decides whether the promise held."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo_app.backends.stock import held_by_kombu
from demo_app.rig.ledger import Ledger as Counted
from demo_app.rig.ledger import lines_of
from demo_app.settings import settings
from demo_app.stack.client import Client


@dataclass(frozen=True, slots=True)
class Ledger(Counted):
    """The ledger of a campaign. `late` counts missing mails whose job stock Celery has not lost.

    Attributes:
        suppressed: number of repeated deliveries, which the inbox does not show.
        uncertain: number of mails that were sent again after an unknown outcome.
        acknowledged_late: number of acknowledgements that came after a rescue.
        conserved: True if every enqueued job is in exactly one state (not checked for stock).
        by_hand: the ids of the dead jobs that the campaign retried, each with the reason of the
            job's death.
    """

    suppressed: int = 0
    uncertain: int = 0
    acknowledged_late: int = 0
    conserved: bool = True
    by_hand: Mapping[str, str] = field(default_factory=dict)

    @property
    def travels(self) -> list[float]:
        """Return the seconds from each comment to its mail, without the jobs in `by_hand`."""
        lines = (line for line in self.lines if line.name not in self.by_hand)
        return [line.arrived - line.promised for line in lines if line.arrived is not None]

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(_reason(why) for why in self.by_hand.values()))


def rows(file: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(file, timeout=30.0)) as database:
        return database.execute(sql).fetchall()


def comments_of(folder: Path) -> dict[int, tuple[str, float]]:
    """Return, by comment number, the job's id and the comment's creation time (epoch seconds)."""
    found = rows(folder / "blog.sqlite3", "SELECT id, job_id, created_at FROM comments")
    return {number: (job, at) for number, job, at in found}


def settle(client: Client, folder: Path, *, stock: bool, by_hand: dict[str, str]) -> Ledger:
    """Return the ledger of all comments and mails. Call this when no more mails arrive."""
    mails = client.all_mails()
    lines = lines_of(comments_of(folder).values(), mails)
    summary = client.summary()
    held = set[str]()
    if stock:
        has = held_by_kombu(client.redis(), settings().queues)
        held = {*has.waiting, *has.taken}
    return Ledger(
        lines,
        late=sum(line.arrived is None and line.name in held for line in lines),
        suppressed=sum(mail["deliveries"] - 1 for mail in mails),
        uncertain=sum(mail["deliveries"] > 1 for mail in mails),
        acknowledged_late=int(summary["late"]),
        conserved=stock or bool(summary["conserved"]),
        by_hand=by_hand,
    )


def _reason(why: str) -> str:
    return "rescued too often" if why.startswith("poison") else "refused for good"
