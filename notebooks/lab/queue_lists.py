"""A picture of the queue: every job in its Redis list, also as a moving picture."""

import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from html import escape
from typing import Any

from demo_app.broker.keys import urgency
from demo_app.demo.colours import EDGE, INK, KILL, PAPER, RUNNING, WAITING
from lab.language import translate
from lab.show import Picture

#: Maximum length of a job's name in a picture (characters).
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
    """The jobs of a queue, of a worker, or of a state such as `scheduled`.

    Attributes:
        ids: the ids of the jobs, the next one first.
        what: the state of the jobs, a key of `_LEGEND`.
    """

    name: str
    ids: tuple[str, ...]
    what: str = "waiting"


#: The colours of a job by its state: text, background and border.
_LEGEND = {
    "waiting": (INK, WAITING, f"1px solid {EDGE}"),
    "running": (PAPER, RUNNING, f"1px solid {EDGE}"),
    "its worker is dead": (INK, WAITING, f"3px dashed {KILL}"),
    "done": (INK, PAPER, f"1px solid {EDGE}"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A snapshot of every list.

    Attributes:
        at: seconds by the monotonic clock.
    """

    at: float
    lists: list[JobList]

    @property
    def death(self) -> bool:
        return any(one.what == "its worker is dead" for one in self.lists)


def read(redis: Any, died: Collection[int] = ()) -> Moment:
    """Read every list of jobs in one transaction.

    Args:
        died: pids of dead workers, whose death may not be in Redis yet.
    """
    workers = sorted(redis.smembers("workers"))
    queues = sorted(redis.smembers("lists"), key=urgency)
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
    return Moment(time.monotonic(), [*found, JobList("done", tuple(next(answers)), "done")])


def snapshots(moments: list[Moment]) -> list[Moment]:
    """Return up to three moments: the first, one in between, and the last.

    If the first and the last moment have the same lists, return only the last moment. A candidate
    for the moment in between has lists that differ from those of the first and the last moment. If
    the first moment has no dead worker, but a candidate has one, choose the first such candidate.
    In all other cases, choose the middle candidate.
    """
    first, last = moments[0], moments[-1]
    if first.lists == last.lists:
        return [last]
    between = [one for one in moments if one.lists not in (first.lists, last.lists)]
    deaths = [] if first.death else [one for one in between if one.death]
    return [first, *(deaths[:1] or between[len(between) // 2 :][:1]), last]


def draw(moments: list[Moment], name: Callable[[str], str]) -> Picture:
    """Draw the moments, one below the other. `name` returns the name of a job."""
    jobs = {job for moment in moments for one in moment.lists for job in one.ids}
    names = {job: name(job) for job in jobs}
    legend = "".join(_box(translate(label), label) for label in _LEGEND)
    rows, sentences = [_row("", legend)], []
    for moment in moments:
        after = moment.at - moments[0].at
        when = translate("after {n:.1f} s: ", n=after) if len(moments) > 1 else ""
        if when:
            rows.append(_row(f"<b>{when}</b>", ""))
        for one in moment.lists:
            boxes = "".join(_box(names[job][:_LONGEST], one.what) for job in one.ids)
            rows.append(_row(escape(_called(one.name)), boxes or translate("empty")))
        sentences.append(when + _words(moment.lists, names))
    drawing = f'<div style="{_GRID}">{"".join(rows)}</div>'
    words = translate(". ").join(sentences) + translate(".")
    return Picture(drawing, translate("Jobs in each list. ") + words)


def _row(name: str, boxes: str) -> str:
    return f"<div>{name}</div><div>{boxes}</div>"


def _box(name: str, what: str) -> str:
    ink, paper, edge = _LEGEND[what]
    style = f"{_BOX};color:{ink};background:{paper};border:{edge}"
    return f'<span style="{style}">{escape(name)}</span>'


def _words(lists: list[JobList], names: dict[str, str]) -> str:
    words = []
    for one in lists:
        text = "{list}: {n}, next is {first}" if one.ids and "queue" in one.name else "{list}: {n}"
        first = names[one.ids[0]] if one.ids else ""
        words.append(translate(text, list=_called(one.name), n=len(one.ids), first=first))
    return translate("; ").join(words)


def _called(name: str) -> str:
    """Return the list's name in the lesson's language. A key of Redis stays as it is."""
    kind, pid, number = name.partition(" pid ")
    return f"{translate(kind)}{pid}{number}"
