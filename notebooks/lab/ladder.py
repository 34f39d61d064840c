"""The ladder: the same faults for every rung, and what became of every promise."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from lab.bars import Bar, bars_picture
from lab.running import Lab
from lab.show import Picture, Table
from lab.stations import rows


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to run jobs. by_hand: the options of a Celery worker that is started by hand."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()


#: What the lower rungs go without.
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """The comments that stand on the page, and what came of their mails.

    lost: no mail, and no list has the job. late: one has it still, until a timeout gives it back.
    twice: shown twice in the inbox.
    """

    rung: str
    comments: int
    arrived: int
    lost: int
    late: int
    twice: int


def climb(rungs: Sequence[Rung] = RUNGS, at_once: int = 6) -> list[Outcome]:
    """Put every rung through the same campaign, some of them side by side."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(campaign, rungs))


def campaign(rung: Rung, part: int = 4) -> Outcome:
    """Comments in three parts; the worker is killed in the middle of the first, Redis while the
    second comes in, and in the third the mail server's answer is lost once."""
    # who rescues does so within a second here, and the campaign is over sooner
    quick = {"DEMO_LEASE_SECONDS": "1", "DEMO_BEAT_SECONDS": "0.2"}
    lab = Lab(beside=True, environment=quick, **rung.options)
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
        _settle(lab, part, keeps=_rescues(lab))

        lab.stack.kill("redis", restart=False)
        _post(lab, part)
        lab.start("redis")
        if lab.stock:  # it tries again after seconds, and until then it would seem to work on none
            lab.until_worker_waits()
        _settle(lab, 2 * part, keeps=_rescues(lab) and "outbox" not in lab.stack.options.without)

        lab.faults({"at": "reply", "do": "drop_reply", "times": 1})
        before = lab.client.mail_stats()["accepted"]
        _post(lab, part)
        _settle(lab, before + part + 1, keeps=_rescues(lab))  # and the one that is sent again
        return _count(lab, rung)
    finally:
        lab.close()


def _settle(lab: Lab, mails: int, *, keeps: bool) -> None:
    """Wait until so many mails were sent, or none comes any more. keeps: they will come, however
    busy the machine is, so be patient."""
    still, since, last = 30.0 if keeps else 1.5, time.monotonic(), -1

    def settled() -> bool:
        nonlocal since, last
        accepted = lab.client.mail_stats()["accepted"]
        if accepted != last:
            since, last = time.monotonic(), accepted
        return accepted >= mails or time.monotonic() - since >= still

    lab.until(settled, "the mails")


def _rescues(lab: Lab) -> bool:
    options = lab.stack.options
    return options.backend == "celery" and options.transport == "claims"


def _post(lab: Lab, comments: int) -> None:
    for _ in range(comments):
        with suppress(httpx.HTTPError):  # told of an error, the reader goes away
            lab.post(1)


def _count(lab: Lab, rung: Rung) -> Outcome:
    comments = {job for (job,) in rows(lab, "SELECT job_id FROM comments")}
    mails = [mail["job_id"] for mail in lab.client.mails()["messages"]]
    without_mail = comments - set(mails)
    missing, late = len(without_mail), len(_held(lab, without_mail))
    twice = len(mails) - len(set(mails))
    arrived = len(comments) - missing
    return Outcome(rung.name, len(comments), arrived, missing - late, late, twice)


def _held(lab: Lab, jobs: set[str]) -> set[str]:
    """Those of the jobs that a list in Redis still has."""
    if not lab.stock:
        return {job for job in jobs if lab.redis.exists(f"job:{job}")}
    taken = [json.loads(one)[0] for one in lab.redis.hvals("unacked")]
    waiting = [json.loads(one) for one in lab.redis.lrange("mail", 0, -1)]
    return jobs & {message["headers"]["id"] for message in (*taken, *waiting)}


def ladder_table(outcomes: Sequence[Outcome]) -> Table:
    """One row a rung."""
    lines = [(o.rung, o.comments, o.arrived, o.lost, o.late, o.twice) for o in outcomes]
    return Table(("rung", "comments", "arrived", "lost", "late", "shown twice"), lines)


def ladder_picture(outcomes: Sequence[Outcome]) -> Picture:
    """A bar a rung, from the ground up: arrived, late, lost; and what was shown twice."""
    bars = [
        Bar(o.rung, o.arrived, o.late, o.lost, f"{o.twice} shown twice" if o.twice else "")
        for o in outcomes
    ]
    told = [
        f"{o.rung}: of {o.comments}, {o.lost} lost, {o.late} late, {o.twice} shown twice"
        for o in outcomes
    ]
    what = "comments on the page, and what came of their mails"
    return bars_picture(bars, what, "; ".join(told) + ".")
