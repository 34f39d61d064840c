"""The two ways through a world: breadth first to the end of its bound, and at random."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from explore.events import enabled, faults, variants
from explore.frozen import Content, Hangs
from explore.jobs import doing
from explore.line import LINE, virtual_time
from explore.memory import Key, Memory
from explore.plan import Plan
from explore.promises import View, broken
from explore.remembering import Asked, RememberingRedis, Wanted
from explore.steps import begin, do
from explore.world import Event, Saved, World

#: Scripts that are asked in one round trip.
_AT_ONCE = 200
#: What comes first when everything is to come to its end.
_TO_THE_END = ("go on", "start", "answer", "put", "hand over", "begin", "run", "finish", "round",
               "settle", "wake", "claim", "pass")  # fmt: skip


@dataclass
class Found:
    """What a way through a world came to. broken: the promise, "" for none; steps: the shortest way
    to it. complete: whether the bound was reached."""

    plan: Plan
    broken: str = ""
    steps: list[Event] = field(default_factory=list)
    states: int = 0
    transitions: int = 0
    complete: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        text = f"{self.plan.name}: {self.states} states, {self.transitions} transitions, "
        text += f"{self.seconds:.0f} s, " + ("to the end" if self.complete else "not to the end")
        return text + (f"; BROKEN in {len(self.steps)} steps: {self.broken}" if self.broken else "")


#: Is called with each step from a state, and what it came to; None: of what can be done there.
Seen = Callable[[bytes, Saved, Event | None, Any], Any]
#: States by name, and a step from each; None: only to look at it.
Todo = deque[tuple[bytes, Saved, Event | None]]


def taken(
    world: World, on: RememberingRedis, todo: Todo
) -> Iterator[tuple[bytes, Saved, Event | None, Content, str]]:
    """Take the steps that there are to do, and those that are added meanwhile: with each what the
    server has after it, and what the step raised.

    What scripts do upon the contents of many states is asked in one round trip: a step that needs
    an answer which is not known yet is taken again when it is.
    """
    again: Todo = deque()
    missing: dict[Asked, None] = {}
    on.later = True
    try:
        while todo or again:
            if not todo or len(missing) >= _AT_ONCE:
                on.ask(list(missing))
                todo.extendleft(reversed(again))
                again, missing = deque(), {}
            name, saved, event = todo.popleft()
            content, why = saved[0], ""
            world.load(saved)
            try:
                if event is not None:
                    do(world, event)
                    content = on.save()
            except Wanted as more:
                missing[more.asked] = None
                again.append((name, saved, event))
                continue
            except Exception as error:
                kind = "ends" if isinstance(error, Hangs) else "raises"
                why = f"{kind}: {type(error).__name__}: {error}"
            yield name, saved, event, content, why
    finally:
        on.later = False


@contextmanager
def server() -> Iterator[RememberingRedis]:
    """A server for worlds, and their time."""
    with RememberingRedis() as found, virtual_time(), doing():
        yield found


def name_of(key: Key) -> bytes:
    """A state's name."""
    return blake2b(key.text.encode(), digest_size=12).digest()


class Breadth:
    """Breadth first: all states that are one step away, then two, and so on."""

    def __init__(self, plan: Plan, on: RememberingRedis) -> None:
        self._world, self._on = begin(plan, on), on
        self.found = Found(plan)
        self._known: dict[bytes, tuple[bytes, Event]] = {}  # the first way to each state
        self._next: dict[bytes, bytes | None] = {}  # where it goes when no fault comes any more
        self._wishes: dict[bytes, Event | None] = {}

    def run(self, limit: int = 10**9, seconds: float = 1e9, seen: Seen = lambda *_: None) -> Found:
        """Go until a promise is broken, or to the end of the bound. limit: states."""
        began, world = time.monotonic(), self._world
        content = self._on.save()
        name = name_of(Key(world, content))
        self._known[name] = (b"", ())
        level: list[tuple[bytes, Saved]] = [(name, world.save(content))]
        try:
            while level and not self.found.steps:
                level = self._deeper(level, seen)
                self.found.states, self.found.seconds = len(self._known), time.monotonic() - began
                if len(self._known) > limit or self.found.seconds > seconds:
                    return self.found
        except Hangs as error:
            self.found.broken = f"ends: {error}"
            return self.found
        if not self.found.steps:
            self.found.complete = True
            self._see_that_all_end()
        return self.found

    def _deeper(self, level: list[tuple[bytes, Saved]], seen: Seen) -> list[tuple[bytes, Saved]]:
        """All states one step further."""
        found: list[tuple[bytes, Saved]] = []
        world = self._world
        todo: Todo = deque((n, s, None) for n, s in level)
        for name, saved, event, content, why in taken(world, self._on, todo):
            if event is None:
                events = [*enabled(world), *faults(world)]
                seen(name, saved, None, events)
                todo.extendleft((name, saved, one) for one in reversed(events))
                if name not in self._next and not all_ended(world, saved[0]):
                    self._next[name] = None
                    self._wishes[name] = next_of(world)
                continue
            self.found.transitions += 1
            todo.extendleft((name, saved, one) for one in reversed(variants(world, event)))
            why = why or broken(world, content)
            if why:
                self.found.broken, self.found.steps = why, [*self.way_to(name), event]
                return []
            after = name_of(Key(world, content))
            seen(name, saved, event, (after, LINE.sent))
            if self._wishes.get(name) == event:
                self._next[name] = after
            if after not in self._known:
                self._known[after] = (name, event)
                found.append((after, world.save(content)))
        return found

    def way_to(self, name: bytes) -> list[Event]:
        """The first way that was found to a state: no other is shorter."""
        steps: list[Event] = []
        while self._known[name][1]:
            name, event = self._known[name]
            steps.append(event)
        return steps[::-1]

    def _see_that_all_end(self) -> None:
        """From each state, without any further fault, a state is reached in which all has ended."""
        ending = self._known.keys() - self._next.keys()
        for start in self._known:
            passed: dict[bytes, None] = {}
            name: bytes | None = start
            while name is not None and name not in ending and name not in passed:
                passed[name] = None
                name = self._next[name]
            if name not in ending:
                self.found.broken = "ends: not every job ends from here, though no fault comes"
                self.found.steps = self.way_to(start)
                return
            ending |= passed.keys()


def next_of(world: World) -> Event | None:
    """The next step on the way to the end."""
    if world.off:
        return ("clock",)
    here = served(world)
    events = [
        event
        for event in enabled(world)
        if event[0] in _TO_THE_END
        and (event[0] != "hand over" or world.databases[event[1]] in here)
    ]
    return min(events, key=lambda event: _TO_THE_END.index(event[0]), default=None)


def served(world: World) -> list[Memory]:
    """The blogs that put in: the second one on a Redis keeps its jobs, and says so."""
    first = world.jobs_in("blog")
    return [one for one in world.databases if not first or one.id in first]


def unended(world: World, content: Content) -> list[str]:
    """The jobs that have not ended."""
    view, ledger = View(content), world.ledger
    rows = {str(job) for one in served(world) for (job,) in one.read("SELECT job_id FROM outbox")}
    left = {
        job for job, places in view.places.items() if set(places) - {"done", "discarded", "dead"}
    }
    dead = set(view.of.get("dead", ())[::2])  # its row stays: a person may bring it back
    return sorted(left | {job for job in ledger.accepted if job in rows - dead})


def all_ended(world: World, content: Content) -> bool:
    """Whether every job was put in, and has ended."""
    return world.put == len(world.plan.jobs) and not unended(world, content)
