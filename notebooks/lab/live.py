"""The queue as a picture: every job in the Redis list in which it really is, while it moves."""

from __future__ import annotations

import json
import time
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
#: The jobs' part of the picture, in pixels, and how many letters of a name are shown.
_ROOM, _LONGEST = 660, 22


@dataclass(frozen=True, slots=True)
class Shelf:
    """One list in Redis. `ids`: the next to run first. `solid`: its jobs are being worked on."""

    name: str
    ids: tuple[str, ...]
    solid: bool = False
    dead: bool = False


def shelves(redis: Any) -> list[Shelf]:
    """Every list of jobs, read in one step."""
    workers, lanes = (
        sorted(redis.smembers("workers")),
        sorted(redis.smembers("lanes"), key=_urgency),
    )
    pipe = redis.pipeline(transaction=True)
    for lane in lanes:
        pipe.lrange(f"queue:{lane}", 0, -1)
    for worker in workers:
        pipe.get(f"worker:{worker}")
        for lane in lanes:
            pipe.lrange(f"claims:{lane}:{worker}", 0, -1)
    for name in ("scheduled", "retrying", "dead", "done"):
        pipe.zrange(name, 0, -1)
    answers = iter(pipe.execute())
    found = [Shelf(f"queue:{lane}", tuple(reversed(next(answers)))) for lane in lanes]
    for _worker in workers:
        said = next(answers)
        held = tuple(job for _ in lanes for job in reversed(next(answers)))
        name = f"worker pid {json.loads(said)['pid']}" if said else "a dead worker"
        found.append(Shelf(name, held, solid=bool(said), dead=not said))
    found += [Shelf(name, tuple(next(answers))) for name in ("scheduled", "retrying", "dead")]
    done = tuple(next(answers))
    return [*(shelf for shelf in found if shelf.ids or "queue" in shelf.name or shelf.solid),
            Shelf("done", done)]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """Every list at one moment. after: seconds since one began to look."""

    after: float
    shelves: list[Shelf]


def _urgency(lane: str) -> tuple[int, int]:
    """Queue by queue, and in each the urgent jobs first, as a worker looks into them."""
    queues, queue = settings().queues, queue_of(lane)
    place = queues.index(queue) if queue in queues else len(queues)
    return place, 0 if lane.endswith(":high") else 2 if lane.endswith(":low") else 1


def picture(lab: Lab) -> Picture:
    """The lists as they are now; each job bears the number of its comment, or its name."""
    return _draw(lab, [Moment(0.0, shelves(lab.redis))])


def watch(lab: Lab, seconds: float = 120.0) -> None:
    """Show the queue as it moves, until nothing is left to do; what stays is how it looked at
    first, in the middle, and at the end.

    Raises LabError when that does not come to pass in the time.
    """
    live, wanted, began = Live(), len(lab.posted), time.monotonic()
    moments: list[Moment] = []

    def look() -> None:
        moments.append(Moment(time.monotonic() - began, shelves(lab.redis)))

    def ended() -> bool:
        if not moments or time.monotonic() - began - moments[-1].after >= 1.0 / RATE:
            look()
            live.show(_draw(lab, moments[-1:]))
        if lab.client.mail_stats()["distinct"] < wanted:
            return False
        now = lab.client.summary()
        return not now["queued"] + now["running"] + now["retrying"] + now["scheduled"]

    lab.until(ended, "the end of every job", seconds)
    look()
    live.show(_draw(lab, _told_by_three(moments)))


def _told_by_three(moments: list[Moment]) -> list[Moment]:
    """The first, the last, and the middle one of those that differ from both."""
    first, last = moments[0], moments[-1]
    if first.shelves == last.shelves:
        return [last]
    between = [one for one in moments if one.shelves not in (first.shelves, last.shelves)]
    return [first, *between[len(between) // 2 :][:1], last]


def _draw(lab: Lab, moments: list[Moment]) -> Picture:
    """The moments, one below the other."""
    jobs = {job for moment in moments for shelf in moment.shelves for job in shelf.ids}
    numbers = {posted.job_id: str(posted.comment_id) for posted in lab.posted}
    numbers |= {job: name_of(lab.redis, job) for job in jobs - numbers.keys()}
    # as wide as the longest name needs: numbers are short, names of other jobs may not be
    longest = max((len(numbers[job]) for job in jobs), default=0)
    wide = max(29, 9 * min(longest, _LONGEST) + 12)
    parts, y, told = _legend(), 40, []
    for moment in moments:
        words = _words(moment.shelves, numbers)
        if len(moments) > 1:
            when = f"after {moment.after:.1f} s"
            parts.append(_text(8, y + 15, when, 14, weight="bold"))
            words, y = f"{when}: {words}", y + 26
        for shelf in moment.shelves:
            parts.append(_text(8, y + 17, shelf.name, 14))
            y += _shelf(parts, shelf, numbers, wide, y)
        told.append(words)
        y += 12
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 850 {y}" width="850" height="{y}" '
        f'font-family="sans-serif"><rect width="850" height="{y}" fill="{PAPER}"/>'
        f"{''.join(parts)}</svg>"
    )
    return Picture(svg, f"Jobs in each list. {'. '.join(told)}.")


def _shelf(parts: list[str], shelf: Shelf, numbers: dict[str, str], wide: int, y: int) -> int:
    """Draw its jobs; returns how high it is."""
    columns = max(1, _ROOM // (wide + 3))
    for n, job in enumerate(shelf.ids):
        x, top = 180 + (wide + 3) * (n % columns), y + 28 * (n // columns)
        parts.append(_job(x, top, wide, numbers[job][:_LONGEST], shelf))
    if not shelf.ids:
        parts.append(_text(180, y + 17, "empty", 14, ink=EDGE))
    return 28 * max(1, -(-len(shelf.ids) // columns)) + 6


def _legend() -> list[str]:
    parts, x = [], 180
    for shelf, means in (
        (Shelf("", ()), "waits"),
        (Shelf("", (), solid=True), "a worker has it"),
        (Shelf("", (), dead=True), "its worker is dead"),
        (Shelf("done", ()), "done"),
    ):
        parts += [_job(x, 4, 29, "", shelf), _text(x + 36, 21, means, 13)]
        x += 60 + 8 * len(means)
    return parts


def _job(x: int, y: int, wide: int, number: str, shelf: Shelf) -> str:
    fill, ink = (RUNNING, PAPER) if shelf.solid else (WAITING, INK)
    if shelf.name == "done":
        fill = PAPER
    stroke = f'stroke="{KILL}" stroke-width="3" stroke-dasharray="4 2"'
    edge = stroke if shelf.dead else f'stroke="{EDGE}"'
    rect = f'<rect x="{x}" y="{y}" width="{wide}" height="24" rx="4" fill="{fill}" {edge}/>'
    return rect + _text(x + wide / 2, y + 17, number, 13, "middle", ink)


def _text(
    x: float,
    y: float,
    words: str,
    size: int,
    anchor: str = "start",
    ink: str = INK,
    weight: str = "normal",
) -> str:
    at = f'x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{ink}"'
    return f'<text {at} font-weight="{weight}">{escape(words)}</text>'


def _words(found: list[Shelf], numbers: dict[str, str]) -> str:
    told = []
    for shelf in found:
        first = f", next is {numbers[shelf.ids[0]]}" if shelf.ids else ""
        told.append(f"{shelf.name}: {len(shelf.ids)}{first if 'queue' in shelf.name else ''}")
    return "; ".join(told)
