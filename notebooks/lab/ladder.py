"""The ladder: the same faults for every rung, and what became of every mail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from lab.control import run_together
from lab.figures import Outcome
from lab.running import Lab
from lab.show import Table
from lab.trace import rows


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to run jobs. by_hand: the options of a Celery worker that is started by hand."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()


#: What the lower rungs do without.
_BARE = ("outbox", "dedupe")
#: From the ground up; each adds what the one below lacks.
RUNGS = (
    Rung("in memory", {"backend": "memory", "without": _BARE}),
    Rung(
        "Redis, early ack",
        {"transport": "stock", "workers": 0, "persistence": False, "without": _BARE},
        ("--", "task_acks_late=0"),
    ),
    Rung("+ late ack, AOF", {"transport": "stock", "without": _BARE}),
    Rung("+ claim, rescue", {"without": _BARE}),
    Rung("+ outbox", {"without": ("dedupe",)}),
    Rung("+ Message-ID", {}),
)


def climb(rungs: Sequence[Rung] = RUNGS, at_once: int = 6) -> list[Outcome]:
    """Run the campaign on every rung, so many side by side."""
    return run_together(campaign, rungs, at_once, "the campaign on every rung")


def campaign(rung: Rung, part: int = 4) -> Outcome:
    """Comments in three parts. The worker is killed in the middle of the first part, Redis while
    the second arrives, and in the third the mail server's answer is lost once."""
    # a rescue takes only a second here, so the campaign is over sooner
    quick = {"DEMO_LEASE_SECONDS": "1", "DEMO_BEAT_SECONDS": "0.2"}
    lab = Lab(beside=True, environment=quick, **rung.options)
    rescues = lab.stack.options.backend == "celery" and not lab.stock
    outbox = "outbox" not in lab.stack.options.without
    try:
        by_hand = [lab.celery(*rung.by_hand)] if rung.by_hand else []
        lab.slow_mail(30.0)  # nothing is done before the kill, however slow the machine is
        _post(lab, part)
        lab.until(lambda: lab.fault_hits() > 0, "a job in the middle of its work")
        if by_hand:
            by_hand[0].end()
            lab.faults()
            lab.celery(*rung.by_hand)
        else:
            role = "web" if rung.options.get("backend") == "memory" else "worker"
            lab.kill_process(role, meanwhile=lab.faults)
        _settle(lab, part, patient=rescues)

        lab.stack.kill("redis", restart=False)
        _post(lab, part)
        lab.start("redis")
        if lab.stock:  # it connects again after seconds, and until then it would seem finished
            lab.until_worker_waits()
        _settle(lab, 2 * part, patient=rescues and outbox)

        lab.faults({"at": "reply", "do": "drop_reply", "times": 1})
        before = lab.client.mail_stats()["accepted"]
        _post(lab, part)
        _settle(lab, before + part + 1, patient=rescues)  # and the one that is sent again
        return _count(lab, rung)
    finally:
        lab.close()


def _settle(lab: Lab, mails: int, *, patient: bool) -> None:
    """Wait until so many mails were sent, or nothing moves any more. patient: they will be sent,
    so wait even if the machine is busy."""
    lab.until_still(30.0 if patient else 1.5, enough=lambda stats: stats["accepted"] >= mails)


def _post(lab: Lab, comments: int) -> None:
    for _ in range(comments):
        with suppress(httpx.HTTPError):  # the reader sees an error, and leaves
            lab.post(1)


def _count(lab: Lab, rung: Rung) -> Outcome:
    comments = {row["job_id"] for row in rows(lab, "SELECT job_id FROM comments")}
    mails = [mail["job_id"] for mail in lab.client.mails()["messages"]]
    without_mail = comments - set(mails)
    missing, late = len(without_mail), len(_held(lab, without_mail))
    twice = len(mails) - len(set(mails))
    return Outcome(rung.name, len(comments) - missing, missing - late, late, twice)


def _held(lab: Lab, jobs: set[str]) -> set[str]:
    """The jobs that a list in Redis still has."""
    if not lab.stock:
        return {job for job in jobs if lab.redis.exists(f"job:{job}")}
    taken = [json.loads(one)[0] for one in lab.redis.hvals("unacked")]
    waiting = [json.loads(one) for one in lab.redis.lrange("mail", 0, -1)]
    return jobs & {message["headers"]["id"] for message in (*taken, *waiting)}


def ladder_table(outcomes: Sequence[Outcome]) -> Table:
    """One row per rung."""
    lines = [(o.name, o.comments, o.arrived, o.lost, o.late, o.twice) for o in outcomes]
    return Table(("rung", "comments", "arrived", "lost", "late", "shown twice"), lines)
