"""The queue as a picture: every job in the Redis list in which it is, while it moves."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from demo_app.broker.message import queue_of
from demo_app.settings import settings
from demo_app.verification.demo.colours import EDGE, INK, KILL, PAPER, RUNNING, WAITING
from lab.order import name_of
from lab.show import Live, Picture

if TYPE_CHECKING:
    from lab.running import Lab

#: Pictures a second.
RATE = 5.0
#: The width of the jobs' part of the picture in pixels; how many letters of a name are shown.
_ROOM, _LONGEST = 660, 22


@dataclass(frozen=True, slots=True)
class JobList:
    """One list in Redis. ids: the next to run first. solid: its jobs are running. dead: they are
    held by a worker that is dead."""

    name: str
    ids: tuple[str, ...]
    solid: bool = False
    dead: bool = False


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
            found.append(JobList(name, held, solid=alive, dead=not alive))
    for name in ("scheduled", "retrying", "dead"):
        if ids := tuple(next(answers)):
            found.append(JobList(name, ids))
    return [*found, JobList("done", tuple(next(answers)))]


def _urgency(queue: str) -> tuple[int, int]:
    """Queue by queue, and in each the urgent jobs first, as a worker checks them."""
    queues, base = settings().queues, queue_of(queue)
    place = queues.index(base) if base in queues else len(queues)
    return place, 0 if queue.endswith(":high") else 2 if queue.endswith(":low") else 1


def picture(lab: Lab) -> Picture:
    """The lists as they are now; each job has the number of its comment, or its name."""
    return _draw(lab, [Moment(0.0, read(lab.redis, lab.died))])


def watch(lab: Lab, seconds: float = 120.0) -> None:
    """Show the queue as it moves, until no job is left to do. Some snapshots stay.

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


def _draw(lab: Lab, moments: list[Moment]) -> Picture:
    """The moments, one below the other."""
    jobs = {job for moment in moments for one in moment.lists for job in one.ids}
    names = {posted.job_id: str(posted.comment_id) for posted in lab.posted}
    names |= {job: name_of(lab.redis, job) for job in jobs - names.keys()}
    # as wide as the longest name needs: numbers are short, names of other jobs may not be
    longest = max((len(names[job]) for job in jobs), default=0)
    wide = max(29, 9 * min(longest, _LONGEST) + 12)
    parts, y, sentences = _legend(), 40, []
    for moment in moments:
        words = _words(moment.lists, names)
        if len(moments) > 1:
            when = f"after {moment.after:.1f} s"
            parts.append(_text(8, y + 15, when, 14, weight="bold"))
            words, y = f"{when}: {words}", y + 26
        for one in moment.lists:
            parts.append(_text(8, y + 17, one.name, 14))
            y += _list(parts, one, names, wide, y)
        sentences.append(words)
        y += 12
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 850 {y}" width="850" height="{y}" '
        f'font-family="sans-serif"><rect width="850" height="{y}" fill="{PAPER}"/>'
        f"{''.join(parts)}</svg>"
    )
    return Picture(svg, f"Jobs in each list. {'. '.join(sentences)}.")


def _list(parts: list[str], one: JobList, names: dict[str, str], wide: int, y: int) -> int:
    """Draw its jobs; returns its height in pixels."""
    columns = max(1, _ROOM // (wide + 3))
    for n, job in enumerate(one.ids):
        x, top = 180 + (wide + 3) * (n % columns), y + 28 * (n // columns)
        parts.append(_job(x, top, wide, names[job][:_LONGEST], one))
    if not one.ids:
        parts.append(_text(180, y + 17, "empty", 14, ink=EDGE))
    return 28 * max(1, -(-len(one.ids) // columns)) + 6


def _legend() -> list[str]:
    parts, x = [], 180
    for one, label in (
        (JobList("", ()), "waiting"),
        (JobList("", (), solid=True), "running"),
        (JobList("", (), dead=True), "its worker is dead"),
        (JobList("done", ()), "done"),
    ):
        parts += [_job(x, 4, 29, "", one), _text(x + 36, 21, label, 13)]
        x += 60 + 8 * len(label)
    return parts


def _job(x: int, y: int, wide: int, name: str, one: JobList) -> str:
    fill, ink = (RUNNING, PAPER) if one.solid else (WAITING, INK)
    if one.name == "done":
        fill = PAPER
    stroke = f'stroke="{KILL}" stroke-width="3" stroke-dasharray="4 2"'
    edge = stroke if one.dead else f'stroke="{EDGE}"'
    rect = f'<rect x="{x}" y="{y}" width="{wide}" height="24" rx="4" fill="{fill}" {edge}/>'
    return rect + _text(x + wide / 2, y + 17, name, 13, "middle", ink)


def _text(
    x: float,
    y: float,
    words: str,
    size: int,
    anchor: str = "start",
    ink: str = INK,
    weight: str = "normal",
) -> str:
    place = f'x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{ink}"'
    return f'<text {place} font-weight="{weight}">{escape(words)}</text>'


def _words(lists: list[JobList], names: dict[str, str]) -> str:
    words = []
    for one in lists:
        first = f", next is {names[one.ids[0]]}" if one.ids else ""
        words.append(f"{one.name}: {len(one.ids)}{first if 'queue' in one.name else ''}")
    return "; ".join(words)
