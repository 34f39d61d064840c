"""The queue as a picture: every job in the Redis list in which it really is, while it moves."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from demo_app.story.colours import EDGE, INK, KILL, PAPER, RUNNING, WAITING
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
    workers, lanes = sorted(redis.smembers("workers")), sorted(redis.smembers("lanes"))
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


def picture(lab: Lab) -> Picture:
    """The lists as they are now; each job bears the number of its comment."""
    redis = lab.redis
    found = shelves(redis)
    numbers = {posted.job_id: str(posted.comment_id) for posted in lab.posted}
    others = {job for shelf in found for job in shelf.ids} - numbers.keys()
    numbers |= {job: name_of(redis, job) for job in others}
    # as wide as the longest name needs: numbers are short, names of other jobs may not be
    longest = max((len(numbers[job]) for shelf in found for job in shelf.ids), default=0)
    wide = max(29, 9 * min(longest, _LONGEST) + 12)
    columns = max(1, _ROOM // (wide + 3))
    y, parts = 8, []
    for shelf in found:
        parts.append(_text(8, y + 17, shelf.name, 14))
        rows = max(1, -(-len(shelf.ids) // columns))
        for n, job in enumerate(shelf.ids):
            x, top = 180 + (wide + 3) * (n % columns), y + 28 * (n // columns)
            parts.append(_job(x, top, wide, numbers[job][:_LONGEST], shelf))
        y += 28 * rows + 8
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 850 {y}" width="850" height="{y}" '
        f'font-family="sans-serif"><rect width="850" height="{y}" fill="{PAPER}"/>'
        f"{''.join(parts)}</svg>"
    )
    return Picture(svg, _words(found, numbers))


def watch(lab: Lab, seconds: float = 120.0) -> None:
    """Show the queue as it moves, until nothing is left to do.

    Raises LabError when that does not come to pass in the time.
    """
    live, wanted, shown = Live(), len(lab.posted), 0.0

    def ended() -> bool:
        nonlocal shown
        if time.monotonic() - shown >= 1.0 / RATE:
            live.show(picture(lab))
            shown = time.monotonic()
        if lab.client.mail_stats()["distinct"] < wanted:
            return False
        now = lab.client.summary()
        return not now["queued"] + now["running"] + now["retrying"] + now["scheduled"]

    lab.until(ended, "the end of every job", seconds)
    live.show(picture(lab))


def _job(x: int, y: int, wide: int, number: str, shelf: Shelf) -> str:
    fill, ink = (RUNNING, PAPER) if shelf.solid else (WAITING, INK)
    stroke = f'stroke="{KILL}" stroke-width="3" stroke-dasharray="4 2"'
    edge = stroke if shelf.dead else f'stroke="{EDGE}"'
    rect = f'<rect x="{x}" y="{y}" width="{wide}" height="24" rx="4" fill="{fill}" {edge}/>'
    return rect + _text(x + wide / 2, y + 17, number, 13, "middle", ink)


def _text(x: float, y: float, words: str, size: int, anchor: str = "start", ink: str = INK) -> str:
    at = f'x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{ink}"'
    return f"<text {at}>{escape(words)}</text>"


def _words(found: list[Shelf], numbers: dict[str, str]) -> str:
    told = []
    for shelf in found:
        first = f", next is {numbers[shelf.ids[0]]}" if shelf.ids else ""
        told.append(f"{shelf.name}: {len(shelf.ids)}{first if 'queue' in shelf.name else ''}")
    return "Jobs in each list. " + "; ".join(told) + "."
