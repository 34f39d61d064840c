"""The two ways through a world: breadth first to the end of its bound, and at random."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

from demo_app.judge.frozen import Asked, Content, FrozenRedis, Hangs, Wanted
from explore.line import virtual_time
from explore.memory import Key
from explore.promises import View, broken
from explore.world import Event, Plan, Saved, World

#: Scripts that are asked in one round trip.
_AT_ONCE = 200
#: What comes first when everything is to come to its end.
_TO_THE_END = ("go on", "start", "answer", "put", "hand over", "begin", "run", "finish", "round",
               "settle", "claim", "pass")  # fmt: skip


@dataclass
class Found:
    """What a way through a world came to. broken: the promise, "" for none; steps: the shortest way
    to it. whole: whether the bound was reached."""

    plan: Plan
    broken: str = ""
    steps: list[Event] = field(default_factory=list)
    states: int = 0
    transitions: int = 0
    whole: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        told = f"{self.plan.name}: {self.states} states, {self.transitions} transitions, "
        told += f"{self.seconds:.0f} s, " + ("to the end" if self.whole else "not to the end")
        return told + (f"; BROKEN in {len(self.steps)} steps: {self.broken}" if self.broken else "")


@contextmanager
def server() -> Iterator[FrozenRedis]:
    """A server for worlds, and their time."""
    with (
        TemporaryDirectory(prefix="explore-") as name,
        FrozenRedis(Path(name)) as found,
        virtual_time(),
    ):
        yield found


def name_of(key: Key) -> bytes:
    """A state's name."""
    return blake2b(key.text.encode(), digest_size=12).digest()


class Breadth:
    """Breadth first: all states that are one step away, then two, and so on.

    What scripts do upon the contents of many states is asked in one round trip: a step that needs
    an answer which is not known yet is taken again when it is.
    """

    def __init__(self, plan: Plan, on: FrozenRedis) -> None:
        self._world, self._on = World(plan, on), on
        self.found = Found(plan)
        self._known: dict[bytes, tuple[bytes, Event]] = {}  # the first way to each state
        self._next: dict[bytes, bytes | None] = {}  # where it goes when no fault comes any more
        self._wishes: dict[bytes, Event | None] = {}

    def run(
        self,
        most: int = 10**9,
        seconds: float = 1e9,
        seen: Callable[[bytes, Event, bytes], bool] = lambda *_: True,
    ) -> Found:
        """Go until a promise is broken, or to the end of the bound. most: states.

        seen: is told of each transition; the way ends when it says False.
        """
        began, world = time.monotonic(), self._world
        content = self._on.save()
        name = name_of(Key(world, content))
        self._known[name] = (b"", ())
        level: list[tuple[bytes, Saved]] = [(name, world.save(content))]
        self._on.later = True
        try:
            while level and not self.found.steps:
                level = self._deeper(level, seen)
                self.found.states, self.found.seconds = len(self._known), time.monotonic() - began
                if len(self._known) > most or self.found.seconds > seconds:
                    return self.found
        except Hangs as error:
            self.found.broken = f"ends: {error}"
            return self.found
        finally:
            self._on.later = False
        if not self.found.steps:
            self.found.whole = True
            self._see_that_all_end()
        return self.found

    def _deeper(
        self, level: list[tuple[bytes, Saved]], seen: Callable[[bytes, Event, bytes], bool]
    ) -> list[tuple[bytes, Saved]]:
        """All states one step further."""
        found: list[tuple[bytes, Saved]] = []
        todo: deque[tuple[bytes, Saved, Event | None]] = deque((n, s, None) for n, s in level)
        again: list[tuple[bytes, Saved, Event | None]] = []
        wanted: dict[Asked, None] = {}
        world = self._world
        while todo or again:
            if not todo or len(wanted) >= _AT_ONCE:
                self._on.ask(list(wanted))
                todo.extendleft(reversed(again))
                again, wanted = [], {}
            name, saved, event = todo.popleft()
            world.load(saved)
            if event is None:
                events = [*world.enabled(), *world.faults()]
                todo.extendleft((name, saved, one) for one in reversed(events))
                if name not in self._next and not all_ended(world, saved[0]):
                    self._next[name] = None
                    self._wishes[name] = next_of(world)
                continue
            try:
                world.do(event)
                content = self._on.save()
            except Wanted as more:
                wanted[more.asked] = None
                again.append((name, saved, event))
                continue
            self.found.transitions += 1
            todo.extendleft((name, saved, one) for one in reversed(world.variants(event)))
            why = broken(world, content)
            after = name_of(Key(world, content))
            if why or not seen(name, event, after):
                self.found.broken, self.found.steps = why, [*self.way_to(name), event]
                return []
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
    events = [event for event in world.enabled() if event[0] in _TO_THE_END]
    return min(events, key=lambda event: _TO_THE_END.index(event[0]), default=None)


def unended(world: World, content: Content) -> list[str]:
    """The jobs that have not ended."""
    view, ledger = View(content), world.ledger
    rows = {str(job) for one in world.databases for (job,) in one.read("SELECT job_id FROM outbox")}
    left = {
        job for job, places in view.places.items() if set(places) - {"done", "discarded", "dead"}
    }
    dead = set(view.of.get("dead", ())[::2])  # its row stays: a person may bring it back
    return sorted(left | {job for job in ledger.accepted if job in rows - dead})


def all_ended(world: World, content: Content) -> bool:
    """Whether every job was put in, and has ended."""
    return world.put == len(world.plan.jobs) and not unended(world, content)
