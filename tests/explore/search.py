"""A breadth-first search through the states of a world."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from explore.events import enabled, faults, variants
from explore.frozen import Content, FrozenRedis, Hangs, NotStored, Run
from explore.jobs import doing
from explore.line import LINE, virtual_time
from explore.memory import Key, Memory
from explore.plan import Plan
from explore.promises import View, broken
from explore.steps import begin, do
from explore.world import Event, Saved, World

#: Number of scripts that run in one round trip.
_BATCH = 200
#: The steps that lead every job to its end, the preferred ones first.
_TO_THE_END = ("go on", "start", "answer", "put", "hand over", "begin", "run", "finish", "round",
               "settle", "wake", "claim", "pass")  # fmt: skip


@dataclass
class Found:
    """The result of a search.

    Attributes:
        broken: the broken promise, or "".
        steps: the shortest sequence of steps to it.
        complete: True if every state within the plan's bound was explored.
    """

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


#: A function that is called with a state (name and saved world), a step, and the step's result: the
#: name of the next state and the number of commands. If the step is None, the result is the list of
#: possible steps.
Seen = Callable[[bytes, Saved, Event | None, Any], Any]
#: States (name and saved world), each with a step to take; None: only list the possible steps.
Todo = deque[tuple[bytes, Saved, Event | None]]


def taken(
    world: World, on: FrozenRedis, todo: Todo
) -> Iterator[tuple[bytes, Saved, Event | None, Content, str]]:
    """Take the steps in `todo`, including those that are added meanwhile. Yield each step with the
    server's content after it, and the error that it raised ("" for none).

    The scripts of many states run in one round trip. A step stops at a script whose result is not
    stored yet, and is taken again after the next round trip.
    """
    again: Todo = deque()
    missing: dict[Run, None] = {}
    on.later = True
    try:
        while todo or again:
            if not todo or len(missing) >= _BATCH:
                on.run_all(list(missing))
                todo.extendleft(reversed(again))
                again, missing = deque(), {}
            name, saved, event = todo.popleft()
            content, why = saved[0], ""
            world.load(saved)
            try:
                if event is not None:
                    do(world, event)
                    content = on.save()
            except NotStored as more:
                missing[more.run] = None
                again.append((name, saved, event))
                continue
            except Exception as error:
                kind = "ends" if isinstance(error, Hangs) else "raises"
                why = f"{kind}: {type(error).__name__}: {error}"
            yield name, saved, event, content, why
    finally:
        on.later = False


@contextmanager
def server() -> Iterator[FrozenRedis]:
    with FrozenRedis() as found, virtual_time(), doing():
        yield found


def name_of(key: Key) -> bytes:
    return blake2b(key.text.encode(), digest_size=12).digest()


class Breadth:
    """A breadth-first search: all states one step away, then two, and so on."""

    def __init__(self, plan: Plan, on: FrozenRedis) -> None:
        self._world, self._on = begin(plan, on), on
        self.found = Found(plan)
        self._known: dict[bytes, tuple[bytes, Event]] = {}  # previous state, and step from it
        # for each state, the state after the step of `next_of`; None: there is no such step
        self._next: dict[bytes, bytes | None] = {}
        self._wishes: dict[bytes, Event | None] = {}

    def run(self, limit: int = 10**9, seconds: float = 1e9, seen: Seen = lambda *_: None) -> Found:
        """Search until a promise is broken, all states are explored, or a limit is exceeded.

        The limits are checked after each round of the search. If all states were explored, also
        check that every job ends.

        Args:
            limit: maximum number of states.
            seconds: maximum duration.
            seen: is called for each state, and for each step that was taken.
        """
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
                self.found.broken, self.found.steps = why, [*self.path_to(name), event]
                return []
            after = name_of(Key(world, content))
            seen(name, saved, event, (after, LINE.sent))
            if self._wishes.get(name) == event:
                self._next[name] = after
            if after not in self._known:
                self._known[after] = (name, event)
                found.append((after, world.save(content)))
        return found

    def path_to(self, name: bytes) -> list[Event]:
        """Return the shortest sequence of steps from the start to a state."""
        steps: list[Event] = []
        while self._known[name][1]:
            name, event = self._known[name]
            steps.append(event)
        return steps[::-1]

    def _see_that_all_end(self) -> None:
        """Check that from each state every job ends if there are no further faults."""
        ending = self._known.keys() - self._next.keys()
        for start in self._known:
            passed: dict[bytes, None] = {}
            name: bytes | None = start
            while name is not None and name not in ending and name not in passed:
                passed[name] = None
                name = self._next[name]
            if name not in ending:
                self.found.broken = "ends: not every job ends from here, though no fault comes"
                self.found.steps = self.path_to(start)
                return
            ending.update(passed)


def next_of(world: World) -> Event | None:
    """Return the first possible step in `_TO_THE_END`, or None if no such step is possible.

    If Redis's clock is wrong, return the step that corrects it.
    """
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
    """Return the databases of the blogs that may enqueue jobs.

    As soon as Redis has stored the id of one blog, only this blog may.
    """
    first = world.jobs_in("blog")
    return [one for one in world.databases if not first or one.id in first]


def all_ended(world: World, content: Content) -> bool:
    if world.put < len(world.plan.jobs):
        return False
    view = View(content)
    rows = {str(job) for one in served(world) for (job,) in one.read("SELECT job_id FROM outbox")}
    # the row of a dead job stays: a person may retry the job
    rows -= set(view.of.get("dead", ())[::2])
    places = {place for found in view.places.values() for place in found}
    return rows.isdisjoint(world.ledger.accepted) and places <= {"done", "discarded", "dead"}
