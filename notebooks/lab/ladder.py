"""The ladder: the same faults for every rung, and what became of every mail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from lab.figures import Outcome
from lab.language import say
from lab.running import Lab
from lab.show import Table
from lab.together import run_together
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
    Rung("+ outbox", {"without": ("keep", "dedupe")}),
    Rung("+ Message-ID", {"without": ("keep",)}),
    Rung("+ kept until done", {}),
)


def climb() -> list[Outcome]:
    """Run the campaign on every rung, all side by side."""
    return run_together(_campaign, RUNGS, len(RUNGS), "the campaign on every rung")


def _campaign(rung: Rung) -> Outcome:
    """Comments in four parts. Redis is wiped in the middle of the first part, the worker is killed
    in the middle of the second, Redis while the third arrives, and in the last the mail server's
    answer is lost once."""
    # a rescue takes only a second here, so the campaign is over sooner
    quick = {"DEMO_LEASE_SECONDS": "1", "DEMO_BEAT_SECONDS": "0.2"}
    part = 4
    lab = Lab(beside=True, environment=quick, **rung.options)
    rescues = lab.stack.options.backend == "celery" and not lab.stock
    without = lab.stack.options.without
    outbox, keep = "outbox" not in without, not {"outbox", "keep"} & without
    try:
        by_hand = [lab.celery(*rung.by_hand)] if rung.by_hand else []
        lab.faults({"at": "reply", "do": "wait", "seconds": 3.0})
        before = _post(lab, 3 * part)  # more than its threads have and fetch
        lab.until(lambda: lab.fault_hits() > 0, "a job in the middle of its work")
        lab.redis.flushall()
        lab.faults()
        _settle(lab, before + 3 * part, patient=keep, still=4.5)  # some mails take three seconds

        lab.slow_mail(30.0)  # nothing is done before the kill, however slow the machine is
        before = _post(lab, part)
        lab.until(lambda: lab.fault_hits() > 0, "a job in the middle of its work")
        if by_hand:
            by_hand[0].end()
            lab.faults()
            lab.celery(*rung.by_hand)
        else:
            role = "web" if rung.options.get("backend") == "memory" else "worker"
            lab.kill_process(role, meanwhile=lab.faults)
        _settle(lab, before + part, patient=rescues)

        lab.stack.kill("redis", restart=False)
        before = _post(lab, part)
        lab.start("redis")
        if lab.stock:  # it connects again after seconds, and until then it would seem finished
            lab.until_worker_waits()
        _settle(lab, before + part, patient=rescues and outbox)

        lab.faults({"at": "reply", "do": "drop_reply", "times": 1})
        before = lab.client.mail_stats()["accepted"]
        _post(lab, part)
        # and the one that is sent again
        _settle(lab, before + part + 1, patient=rescues, count="accepted")
        return _count(lab, rung)
    finally:
        lab.close()


def _settle(
    lab: Lab, mails: int, *, patient: bool, still: float = 1.5, count: str = "distinct"
) -> None:
    """Wait until so many mails were sent, or nothing has moved for so long (`still`). patient: they
    will be sent, so wait even if the machine is busy."""
    lab.until_still(30.0 if patient else still, enough=lambda stats: stats[count] >= mails)


def _post(lab: Lab, comments: int) -> int:
    """Returns how many mails had arrived before."""
    before = int(lab.client.mail_stats()["distinct"])
    for _ in range(comments):
        with suppress(httpx.HTTPError):  # the reader sees an error, and leaves
            lab.post(1)
    return before


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
    lines = [(say(o.name), o.comments, o.arrived, o.lost, o.late, o.twice) for o in outcomes]
    return Table(("rung", "comments", "arrived", "lost", "late", "shown twice"), lines)
