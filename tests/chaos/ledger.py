"""What became of every comment: the database, the inbox and the queue, compared."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chaos.history import stored_mails
from demo_app.broker.connection import Decoded
from demo_app.broker.fold import Fold, JobRecord, Run
from demo_app.settings import settings
from demo_app.stack.client import Client

#: Seconds by which a mail's arrival may be noted after its sender gave the job back.
SLACK = 0.5


@dataclass(frozen=True, slots=True)
class Ledger:
    """What it comes down to.

    comments: stored, and so shown to every reader. unstored: promised with a 201 and not stored.
    lost: no mail has come. waiting: those of them that somebody still holds (of stock Celery: they
    come back when the visibility timeout ends). duplicates: shown a second time. suppressed: came a
    second time and not shown. uncertain: mails that were sent again because nobody could know.
    stale: mails sent by a worker that had lost the job before, other than around the seconds of
    which a killed Redis remembers nothing. late: acknowledgements that came after a rescue.
    by_hand: given up by rule, and brought back as a person would, by reason. travels: when a
    comment was written, and when its mail came, but for those that were brought back by hand.
    missing: the jobs of the lost mails.
    """

    comments: int
    unstored: int
    mails: int
    lost: int
    waiting: int
    duplicates: int
    suppressed: int
    uncertain: int
    stale: int
    late: int
    conserved: bool
    by_hand: dict[str, int]
    travels: tuple[tuple[float, float], ...]
    missing: frozenset[str]

    @property
    def held(self) -> bool:
        """Whether the promise held."""
        broken = self.unstored + self.lost + self.duplicates + self.stale
        return broken == 0 and self.conserved and self.comments > 0


def comments_of(folder: Path) -> dict[int, tuple[str, float]]:
    """Every comment's number, with its job's id and when it was written."""
    with closing(sqlite3.connect(folder / "blog.sqlite3", timeout=30.0)) as database:
        rows = database.execute("SELECT id, job_id, created_at FROM comments").fetchall()
    return {number: (job, at) for number, job, at in rows}


def settle(
    client: Client,
    folder: Path,
    accepted: list[int],
    *,
    stock: bool,
    by_hand: dict[str, str],
    fold: Fold,
    unsure: Sequence[tuple[float, float]] = (),
) -> Ledger:
    """Compare everything; the system is quiet, or as quiet as it gets.

    fold: what the journal said of each job. unsure: from when to when (epoch seconds) mails may
    have come from a worker of which Redis, or the worker itself, knows nothing any more.
    """
    comments = comments_of(folder)
    mails = client.all_mails()
    shown = Counter(mail["job_id"] for mail in mails)
    wanted = {job for job, _ in comments.values()}
    lost = wanted - set(shown)
    summary = client.summary()
    held = _held_by_stock(client.redis()) if stock else set()
    stale = 0
    if not stock:
        brought: dict[str, list[float]] = defaultdict(list)
        for mail in stored_mails(folder):
            brought[mail["job"]] += mail["deliveries"]
        for job, times in brought.items():
            record = fold.jobs.get(job, JobRecord(job))
            arrivals = _without_a_holder(record.runs, times) if len(times) > 1 else []
            stale += sum(not any(a <= at <= b for a, b in unsure) for at in arrivals)
    first: dict[str, float] = {}
    for mail in mails:
        at = datetime.fromisoformat(mail["received_at"]).timestamp()
        first[mail["job_id"]] = min(at, first.get(mail["job_id"], at))
    return Ledger(
        comments=len(comments),
        unstored=len(set(accepted) - set(comments)),
        mails=len(wanted & set(shown)),
        lost=len(lost),
        waiting=len(lost & held),
        duplicates=sum(count - 1 for count in shown.values()),
        suppressed=sum(mail["deliveries"] - 1 for mail in mails),
        uncertain=sum(mail["deliveries"] > 1 for mail in mails),
        stale=stale,
        late=int(summary["late"]),
        conserved=stock or bool(summary["conserved"]),
        by_hand=dict(Counter(_reason(why) for why in by_hand.values())),
        travels=tuple(
            (at, first[job]) for job, at in comments.values() if job in first and job not in by_hand
        ),
        missing=frozenset(lost),
    )


def _reason(why: str) -> str:
    return "rescued too often" if why.startswith("poison") else "refused for good"


def _held_by_stock(redis: Decoded) -> set[str]:
    """The jobs that kombu's keys still know: queued, or delivered and never acknowledged."""
    unacked = [json.loads(entry)[0] for entry in redis.hvals("unacked")]
    queued = [
        json.loads(entry) for name in settings().queues for entry in redis.lrange(name, 0, -1)
    ]
    return {str(message["headers"]["id"]) for message in [*unacked, *queued]}


def _without_a_holder(runs: Sequence[Run], brought: list[float]) -> list[float]:
    """When mails came from a worker that had lost the job.

    For each time that a worker held the job, one mail may have come. What is left over is from a
    worker that was paused beyond its lease. brought: when a mail of this job came.
    """
    arrivals = sorted(brought)
    for began, ended in sorted(map(_holding, runs), key=lambda pair: pair[1]):
        mine = next((at for at in arrivals if began <= at <= ended), None)
        if mine is not None:
            arrivals.remove(mine)
    return arrivals


def _holding(run: Run) -> tuple[float, float]:
    """From when to when a mail may have come from this run."""
    if run.ended is None:
        return run.began, float("inf")
    given_back = run.how == "requeued"  # its mail may have been on its way
    return run.began, run.ended + given_back * SLACK
