"""The ladder: the same faults for every rung, and what became of every mail."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from demo_app.backends.stock import held_by_kombu
from lab.challenge import YOURS, blog_on
from lab.language import say
from lab.running import Lab
from lab.show import Table
from lab.together import run_together
from lab.trace import rows


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to run jobs. by_hand: the options of a Celery worker that is started by hand. still:
    seconds without a mail after which none is expected of it."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()
    still: float = 1.5


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


#: What is done to every rung, in this order.
FAULTS = (
    "the web app is killed",
    "its jobs' process is killed",
    "Redis is killed",
    "an answer is lost",
    "Redis is wiped",
)


@dataclass(frozen=True, slots=True)
class Climbed:
    """What a rung lost: for each fault, how many of its comments are lost, late, shown twice."""

    name: str
    lost: tuple[int, ...]
    late: tuple[int, ...]
    twice: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether no fault cost anything."""
        return not any((*self.lost, *self.late, *self.twice))


def climb() -> list[Climbed]:
    """Run the campaign on every rung, all side by side; and on the learner's own class, without an
    outbox of ours, if a challenge has judged one. It is waited for as long as the judge waits."""
    rungs = [*RUNGS]
    if YOURS.exists():
        alone = blog_on(YOURS, workers=1, without=("outbox",))
        rungs.append(Rung("your queue", alone, still=12.0))
    return run_together(_campaign, rungs, len(rungs), "the campaign on every rung")


def _campaign(rung: Rung) -> Climbed:
    """Comments in a part for each fault: see FAULTS. The processes are killed in the middle of
    their work, Redis before the comments arrive; and it is wiped while jobs wait."""
    # a rescue takes only a second here, so the campaign is over sooner
    quick = {"DEMO_LEASE_SECONDS": "1", "DEMO_BEAT_SECONDS": "0.2"}
    environment = {**quick, **rung.options.get("environment", {})}
    part = 4
    lab = Lab(beside=True, **{**rung.options, "environment": environment})
    rescues = lab.stack.options.backend == "celery" and not lab.stock
    without = lab.stack.options.without
    outbox, keep = "outbox" not in without, not {"outbox", "keep"} & without
    memory = rung.options.get("backend") == "memory"
    ends = []
    try:
        by_hand = [lab.celery(*rung.by_hand)] if rung.by_hand else []

        before = _in_hand(lab, part)
        lab.kill_process("web", meanwhile=lab.faults)
        _settle(lab, before + part, rung.still, patient=not memory)
        ends.append(_last(lab))

        before = _in_hand(lab, part)
        if by_hand:
            by_hand[0].end()
            lab.faults()
            lab.celery(*rung.by_hand)
        else:
            lab.kill_process("web" if memory else "worker", meanwhile=lab.faults)
        _settle(lab, before + part, rung.still, patient=rescues)
        ends.append(_last(lab))

        lab.stack.kill("redis", restart=False)
        before = _post(lab, part)
        lab.start("redis")
        if lab.stock:  # it connects again after seconds, and until then it would seem finished
            lab.until_worker_waits()
        _settle(lab, before + part, rung.still, patient=rescues and outbox)
        ends.append(_last(lab))

        lab.faults({"at": "reply", "do": "drop_reply", "times": 1})
        before = lab.client.mail_stats()["accepted"]
        _post(lab, part)
        # and the one that is sent again
        _settle(lab, before + part + 1, rung.still, patient=rescues, count="accepted")
        ends.append(_last(lab))

        held = _held(lab, {row["job_id"] for row in rows(lab, "SELECT job_id FROM comments")})
        lab.faults({"at": "reply", "do": "wait", "seconds": 3.0})
        before = _post(lab, 3 * part)  # more than its threads have and fetch
        lab.until(lambda: lab.fault_hits() > 0, "a job in the middle of its work")
        lab.redis.flushall()
        lab.faults()
        # some mails take three seconds
        _settle(lab, before + 3 * part, max(rung.still, 4.5), patient=keep)
        ends.append(_last(lab))
        return _count(lab, rung, ends, held)
    finally:
        lab.close()


def _in_hand(lab: Lab, comments: int) -> int:
    """Post comments, until one of their jobs is in the middle of its work, and none is done."""
    lab.slow_mail(30.0)
    before = _post(lab, comments)
    lab.until(lambda: lab.fault_hits() > 0, "a job in the middle of its work")
    return before


def _last(lab: Lab) -> int:
    """The id of the last comment."""
    return int(rows(lab, "SELECT max(id) FROM comments")[0][0])


def _settle(lab: Lab, mails: int, still: float, *, patient: bool, count: str = "distinct") -> None:
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


def _count(lab: Lab, rung: Rung, ends: Sequence[int], held: set[str]) -> Climbed:
    """held: the jobs that a list in Redis had before it was wiped."""
    mails = Counter(mail["job_id"] for mail in lab.client.all_mails())
    lost, late, twice = ([0] * len(ends) for _ in range(3))
    for row in rows(lab, "SELECT id, job_id FROM comments"):
        part = bisect_left(ends, row["id"])
        if row["job_id"] not in mails:
            late[part] += row["job_id"] in held
            lost[part] += row["job_id"] not in held
        twice[part] += mails[row["job_id"]] > 1
    return Climbed(rung.name, tuple(lost), tuple(late), tuple(twice))


def _held(lab: Lab, jobs: set[str]) -> set[str]:
    """The jobs that a list in Redis still has."""
    if lab.stock:
        has = held_by_kombu(lab.redis)
        return jobs & {*has.waiting, *has.taken}
    lists = [lab.redis.lrange(key, 0, -1) for key in lab.redis.scan_iter(_type="list")]
    return {job for job in jobs if job in str(lists)}


def ladder_table(climbed: Sequence[Climbed]) -> Table:
    """One row per rung, and a column per fault: what it cost."""
    lines = [(say(one.name), *map(_cell, one.lost, one.late, one.twice)) for one in climbed]
    return Table(("rung", *FAULTS), lines)


def _cell(lost: int, late: int, twice: int) -> str:
    counts = {"{n} lost": lost, "{n} late": late, "{n} shown twice": twice}
    return say(", ").join(say(what, n=n) for what, n in counts.items() if n) or "–"
