"""What holds in every state of every world. Each promise has a name; the lines of the project that
keep it are tagged with it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from demo_app.judge.frozen import Content
from explore.world import World

#: Every promise, in one sentence.
PROMISES = {
    "one-place": "a job that Redis knows is in one list, and in one only",
    "sum": "what was ever put in is what is in the lists, and what has ended",
    "one-end": "a job ends once",
    "order": "a queue is first in, first out; what was given back comes before what was not",
    "may-send": "a job has its side effect at the worker that holds it",
    "kept": "a job that was accepted is known to the queue or to an outbox until its mail is sent",
    "begins-once": "a job begins once, and once more for each fault at the most",
    "alive": "nobody takes a healthy worker for dead, and no step of its heartbeat fails",
    "no-wait": "a worker with free places gets a job if there is one, and no more than it can hold",
    "not-early": "a job is not found due before its moment, by a clock that is right",
    "bounded": "a job that kills its workers is put aside after a few of them",
    "patience": "a job that fails for now is not given up after its first tries",
    "ends": "when no fault comes any more, every job ends",
}


class View:
    """What a server has, by the meaning of its keys."""

    def __init__(self, content: Content) -> None:
        self.of = {key: parts for key, _, parts in content}
        self.places: dict[str, list[str]] = {}
        for key, parts in self.of.items():
            if key.startswith(("queue:", "claims:")):
                jobs = parts
            elif key in ("scheduled", "retrying", "dead", "done", "discarded"):
                jobs = parts[::2]
            else:
                continue
            for job in jobs:
                self.places.setdefault(job, []).append(key)
        self.known = {key[4:] for key in self.of if key.startswith("job:")}

    def events(self, job: str) -> list[str]:
        """What happened to the job, the oldest first."""
        lines = self.of.get(f"job:{job}", ())
        return [found[1] for line in lines if (found := re.match(r'\["(\w+)"', line))]

    def counters(self) -> dict[str, int]:
        """The counters."""
        parts = self.of.get("counters", ())
        return {name: int(value) for name, value in zip(parts[::2], parts[1::2], strict=True)}


def broken(world: World, content: Content) -> str:
    """The first promise that does not hold in this state, and why; "" when all hold."""
    if world.ledger.broken:
        return world.ledger.broken
    view = View(content)
    for name, check in _CHECKS.items():
        for why in check(world, view):
            return f"{name}: {why}"
    return ""


def _number(job: str) -> int:
    return int(job.removeprefix("j").partition("#")[0])


def _one_place(world: World, view: View) -> Iterator[str]:
    for job in sorted(view.known | view.places.keys()):
        places = view.places.get(job, [])
        kept = not places and job in view.of.get(
            "kept", ()
        )  # it has ended, and its outbox will ask
        if len(places) != 1 and not (
            kept or (job not in view.known and set(places) <= {"done", "discarded"})
        ):
            yield f"{job} is in {', '.join(places) or 'no list'}"


def _sum(world: World, view: View) -> Iterator[str]:
    counted = view.counters()
    ends = ("done", "discarded")
    lists = sum(key not in ends for places in view.places.values() for key in places)
    ended = counted.get("done", 0) + counted.get("discarded", 0)
    if counted.get("enqueued", 0) != lists + ended:
        yield f"{counted.get('enqueued', 0)} were put in, {lists} are in lists, {ended} have ended"


def _one_end(world: World, view: View) -> Iterator[str]:
    for job in view.known:
        ends = [event for event in view.events(job) if event in ("done", "discarded")]
        if len(ends) > 1:
            yield f"{job} was {' and '.join(ends)}"


def _order(world: World, view: View) -> Iterator[str]:
    for key, parts in view.of.items():
        if not key.startswith("queue:"):
            continue
        head_first = parts[::-1]
        fresh = [job for job in head_first if view.events(job)[-1:] == ["enqueued"]]
        first = [job for job in fresh if view.events(job) == ["enqueued"]]
        lost = world.ledger.faults["wipe"] or world.ledger.faults["rollback"]
        if first != sorted(first, key=_number) and not lost and len(world.blogs) < 2:
            yield f"{key} has {', '.join(first[:5])} in this order"
        back = [view.events(job)[-1:][0] == "rescued" for job in head_first if view.events(job)]
        if back != sorted(back, reverse=True):
            yield f"{key} has a job at its head that came after one that was given back"


def _kept(world: World, view: View) -> Iterator[str]:
    ledger = world.ledger
    rows = {str(job) for one in world.databases for (job,) in one.read("SELECT job_id FROM outbox")}
    lost = ledger.faults["wipe"] or ledger.faults["rollback"]
    for job in ledger.accepted:
        if ledger.mailed[ledger.mail_of[job]] or job in ledger.decided or job in rows:
            continue
        if not world.databases and lost:
            continue  # a queue alone has what Redis has
        events = view.events(job)
        if job not in view.known or events[-1:] in (["done"], ["discarded"]):
            yield f"{job} was accepted, no mail was sent, and it is {events[-1:] or 'unknown'}"


def _begins_once(world: World, view: View) -> Iterator[str]:
    allowed = Counter(world.ledger.accepted)
    for number, kind in enumerate(world.plan.jobs):
        allowed[f"j{number}"] += {"flaky": 1, "poison": 9, "hog": 9}.get(kind, 0)
    for job, times in world.ledger.begun.items():
        extra = world.ledger.disturbed + len(world.ledger.acts)
        if times > allowed[job.partition("#")[0]] + extra and "poison" not in world.plan.jobs:
            yield f"{job} began {times} times, after {world.ledger.disturbed} faults"


def _not_early(world: World, view: View) -> Iterator[str]:
    for job, due in world.ledger.due.items():
        waits = "scheduled" in view.places.get(job, ["scheduled"])
        if not waits and world.now < due - 1:
            yield f"{job} was found due {due - world.now:.0f} s early"


def _bounded(world: World, view: View) -> Iterator[str]:
    most = max(setup.rescues for setup in world.plan.processes) + 2 + world.plan.alive - 1
    for job, times in world.ledger.begun.items():
        if world.kind(job) == "poison" and times > most + len(world.ledger.acts) * most:
            yield f"{job} has killed {times} workers"
        if world.kind(job) == "hog" and times > most:
            yield f"{job} was begun {times} times"


def _patience(world: World, view: View) -> Iterator[str]:
    for job in view.of.get("dead", ())[::2]:
        if "AnotherBlog" in view.of[f"job:{job}"][-1]:
            continue  # no try of this worker's can succeed
        kind = world.kind(job)
        if kind == "flaky" and world.ledger.begun[job] <= 2 and not world.ledger.disturbed:
            yield f"{job} failed once, and was given up"
        blamed = [e for e in view.events(job) if e == "rescued"]
        if kind not in ("poison", "hog") and len(blamed) < 2 and world.kind(job) != "flaky":
            yield f"{job} was given up after {len(blamed)} deaths"


_CHECKS: dict[str, Callable[[World, View], Iterator[str]]] = {
    "one-place": _one_place,
    "sum": _sum,
    "one-end": _one_end,
    "order": _order,
    "kept": _kept,
    "begins-once": _begins_once,
    "not-early": _not_early,
    "bounded": _bounded,
    "patience": _patience,
}
