"""The ladder: the same faults for every rung, and what became of every promise."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from demo_app.story.colours import CUT_SHORT, EDGE, GOOD, INK, KILL
from lab.running import Lab
from lab.show import Picture, Table
from lab.stations import rows


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to run jobs. by_hand: the options of a Celery worker that is started by hand."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()


#: From the ground up; each adds what the one below lacks.
RUNGS = (
    Rung("in memory", {"backend": "memory"}),
    Rung(
        "Redis, early ack",
        {"transport": "stock", "workers": 0, "persistence": False},
        ("--", "task_acks_late=0"),
    ),
    Rung("+ late ack, AOF", {"transport": "stock"}),
    Rung("+ claim, rescue", {"without": ("outbox", "dedupe")}),
    Rung("+ outbox", {"without": ("dedupe",)}),
    Rung("+ Message-ID", {}),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The comments that stand on the page, and what came of their mails.

    lost: no mail, and nobody holds the job. late: still held, until a timeout gives it back.
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
        lab.slow_mail(0.3)
        _post(lab, part)
        lab.until(lambda: lab.fault_hits() > 0, "a job in the middle of its work")
        if by_hand:
            by_hand[0].end()
            lab.celery(*rung.by_hand)
        else:
            lab.kill_process("web" if rung.options.get("backend") == "memory" else "worker")
        _settle(lab, part, keeps=_rescues(lab))

        lab.faults()
        lab.stack.kill("redis", restart=False)
        _post(lab, part)
        lab.start("redis")
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
    missing = len(comments - set(mails))
    late = min(missing, int(lab.redis.hlen("unacked")) if lab.stock else 0)
    twice = len(mails) - len(set(mails))
    arrived = len(comments) - missing
    return Outcome(rung.name, len(comments), arrived, missing - late, late, twice)


def ladder_table(outcomes: Sequence[Outcome]) -> Table:
    """One row a rung."""
    lines = [(o.rung, o.comments, o.arrived, o.lost, o.late, o.twice) for o in outcomes]
    return Table(("rung", "comments", "arrived", "lost", "late", "shown twice"), lines)


def ladder_picture(outcomes: Sequence[Outcome]) -> Picture:
    """A bar a rung, from the ground up: arrived, late, lost; and what was shown twice."""
    figure = Figure(figsize=(11, 5.4), layout="constrained")
    axes = figure.add_subplot()
    for row, o in enumerate(outcomes):
        left = 0
        for count, color, hatch in (
            (o.arrived, GOOD, ""),
            (o.late, CUT_SHORT, "//"),
            (o.lost, KILL, "xx"),
        ):
            axes.barh(row, count, left=left, height=0.62, color=color, hatch=hatch,
                      edgecolor="white")  # fmt: skip
            if count:
                axes.annotate(str(count), (left + count / 2, row), ha="center", va="center",
                              fontsize=15, fontweight="bold", color=INK,
                              bbox={"facecolor": "white", "edgecolor": EDGE,
                                    "boxstyle": "round,pad=0.25"})  # fmt: skip
            left += count
        if o.twice:
            axes.annotate(f"  {o.twice} shown twice", (left, row), va="center", fontsize=14)
    axes.set_yticks(range(len(outcomes)), [o.rung for o in outcomes], fontsize=14)
    axes.set_xlim(0, 1.25 * max(o.comments for o in outcomes))
    axes.set_xlabel("comments on the page, and what came of their mails", fontsize=13)
    axes.tick_params(axis="x", labelsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    handles = [
        Patch(facecolor=GOOD, label="arrived"),
        Patch(
            facecolor=CUT_SHORT, hatch="//", edgecolor="white", label="late: held until a timeout"
        ),
        Patch(facecolor=KILL, hatch="xx", edgecolor="white", label="lost"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=13)
    told = [
        f"{o.rung}: of {o.comments}, {o.lost} lost, {o.late} late, {o.twice} shown twice"
        for o in outcomes
    ]
    return Picture.of(figure, "; ".join(told) + ".")
