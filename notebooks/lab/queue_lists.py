"""The queue as a picture: every job in the Redis list in which it is, while it moves."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from html import escape
from typing import Any

from demo_app.broker.keys import lanes_of, queue_of
from demo_app.demo.colours import EDGE, INK, KILL, PAPER, RUNNING, WAITING
from lab.language import say
from lab.order import name_of
from lab.progress import Live
from lab.show import Picture
from lab.system import System

#: Pictures a second.
RATE = 5.0
#: How many letters of a job's name are shown.
_LONGEST = 22
_GRID = (
    "display:grid;grid-template-columns:minmax(11em,max-content) 1fr;gap:0.2em 0.6em;"
    f"max-width:54em;color:{INK}"
)
_BOX = (
    "display:inline-block;box-sizing:border-box;min-width:2em;height:1.7em;line-height:1.45em;"
    "padding:0 0.35em;margin:0 3px 3px 0;border-radius:4px;text-align:center;white-space:pre;"
    "vertical-align:top"
)


@dataclass(frozen=True, slots=True)
class JobList:
    """One list in Redis. ids: the next to run first. what: of its jobs, a word of the legend."""

    name: str
    ids: tuple[str, ...]
    what: str = "waiting"

    @property
    def dead(self) -> bool:
        """Whether a worker that is dead holds its jobs."""
        return self.what == "its worker is dead"


#: How a job looks: its ink, its paper, its edge.
_LEGEND = {
    "waiting": (INK, WAITING, f"1px solid {EDGE}"),
    "running": (PAPER, RUNNING, f"1px solid {EDGE}"),
    "its worker is dead": (INK, WAITING, f"3px dashed {KILL}"),
    "done": (INK, PAPER, f"1px solid {EDGE}"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """Every list at one moment. after: seconds since the first look."""

    after: float
    lists: list[JobList]

    @property
    def death(self) -> bool:
        """Whether a dead worker still holds jobs."""
        return any(one.dead for one in self.lists)


def read(redis: Any, died: Collection[int] = ()) -> list[JobList]:
    """Every list of jobs, read in one step. died: pids of workers that are known to be dead, even
    if Redis does not know it yet."""
    workers = sorted(redis.smembers("workers"))
    queues = sorted(redis.smembers("lanes"), key=_urgency)
    pipe = redis.pipeline(transaction=True)
    for queue in queues:
        pipe.lrange(f"queue:{queue}", 0, -1)
    for worker in workers:
        pipe.get(f"worker:{worker}")
        for queue in queues:
            pipe.lrange(f"claims:{queue}:{worker}", 0, -1)
    for name in ("scheduled", "retrying", "dead", "done"):
        pipe.zrange(name, 0, -1)
    answers = iter(pipe.execute())
    found = [JobList(f"queue:{queue}", tuple(reversed(next(answers)))) for queue in queues]
    for _worker in workers:
        lease = next(answers)
        held = tuple(job for _ in queues for job in reversed(next(answers)))
        pid = json.loads(lease)["pid"] if lease else None
        alive = bool(lease) and pid not in died
        name = f"worker pid {pid}" if alive else f"dead worker pid {pid}" if pid else "dead worker"
        if alive or held:
            found.append(JobList(name, held, "running" if alive else "its worker is dead"))
    for name in ("scheduled", "retrying", "dead"):
        if ids := tuple(next(answers)):
            found.append(JobList(name, ids))
    return [*found, JobList("done", tuple(next(answers)), "done")]


def _urgency(queue: str) -> tuple[str, int]:
    """Queue by queue, and in each the urgent jobs first, as a worker checks them."""
    base = queue_of(queue)
    return base, lanes_of(base).index(queue)


def picture(lab: System) -> Picture:
    """Every job in the Redis list in which it is now, by the number of its comment or its name."""
    return _draw(lab, [Moment(0.0, read(lab.redis, lab.died))])


def watch(lab: System, seconds: float = 120.0) -> None:
    """Like `wait`, with the queue's picture as it moves. Some snapshots stay.

    Raises LabError when that does not happen in time.
    """
    live, began = Live(), time.monotonic()
    moments: list[Moment] = []

    def look() -> None:
        moments.append(Moment(time.monotonic() - began, read(lab.redis, lab.died)))

    def finished() -> bool:
        if not moments or time.monotonic() - began - moments[-1].after >= 1.0 / RATE:
            look()
            live.show(_draw(lab, moments[-1:]))
        return lab.finished()

    lab.until(finished, "the end of every job", seconds, silent=True)
    look()
    live.show(_draw(lab, snapshots(moments)))


def snapshots(moments: list[Moment]) -> list[Moment]:
    """The first and the last moment, and between them the first one that shows a death, or, if
    there was none, the middle one of those that differ from both."""
    first, last = moments[0], moments[-1]
    if first.lists == last.lists:
        return [last]
    between = [one for one in moments if one.lists not in (first.lists, last.lists)]
    deaths = [] if first.death else [one for one in between if one.death]
    return [first, *(deaths[:1] or between[len(between) // 2 :][:1]), last]


def _draw(lab: System, moments: list[Moment]) -> Picture:
    """The moments, one below the other."""
    jobs = {job for moment in moments for one in moment.lists for job in one.ids}
    names = {posted.job_id: str(posted.comment_id) for posted in lab.posted}
    names |= {job: name_of(lab, job) for job in jobs - names.keys()}
    legend = "".join(_box(say(label), label) for label in _LEGEND)
    rows, sentences = [_row("", legend)], []
    for moment in moments:
        when = say("after {n:.1f} s: ", n=moment.after) if len(moments) > 1 else ""
        if when:
            rows.append(_row(f"<b>{when}</b>", ""))
        for one in moment.lists:
            boxes = "".join(_box(names[job][:_LONGEST], one.what) for job in one.ids)
            rows.append(_row(escape(_called(one.name)), boxes or say("empty")))
        sentences.append(when + _words(moment.lists, names))
    drawing = f'<div style="{_GRID}">{"".join(rows)}</div>'
    told = say(". ").join(sentences) + say(".")
    return Picture(drawing, say("Jobs in each list. ") + told)


def _row(name: str, boxes: str) -> str:
    return f"<div>{name}</div><div>{boxes}</div>"


def _box(name: str, what: str) -> str:
    """A job in a list of such jobs."""
    ink, paper, edge = _LEGEND[what]
    style = f"{_BOX};color:{ink};background:{paper};border:{edge}"
    return f'<span style="{style}">{escape(name)}</span>'


def _words(lists: list[JobList], names: dict[str, str]) -> str:
    words = []
    for one in lists:
        told = "{list}: {n}, next is {first}" if one.ids and "queue" in one.name else "{list}: {n}"
        first = names[one.ids[0]] if one.ids else ""
        words.append(say(told, list=_called(one.name), n=len(one.ids), first=first))
    return say("; ").join(words)


def _called(name: str) -> str:
    """The list's name in the lesson's language; a key of Redis stays."""
    kind, pid, number = name.partition(" pid ")
    return f"{say(kind)}{pid}{number}"
