"""Random walks through a wide world: from a seed, and shrunk to the shortest that still fails."""

from __future__ import annotations

import random
import time

from explore.events import enabled, faults
from explore.plan import Plan
from explore.promises import broken
from explore.remembering import RememberingRedis
from explore.search import Found
from explore.steps import begin, do, parted
from explore.world import Event

#: Steps between two looks at all that Redis has.
LOOK_EVERY = 200


def walk(plan: Plan, on: RememberingRedis, seed: int, steps: int) -> Found:
    """One walk. How likely each kind of step is, is chance as well, and the same for the walk."""
    chance, began = random.Random(seed), time.monotonic()
    world, taken = begin(plan, on), []
    weights: dict[str, float] = {}
    found = Found(plan)
    on.whole = False
    try:
        for number in range(steps):
            events = enabled(world)
            if chance.random() < 0.01:
                events += faults(world)
            if not events:
                break
            for event in events:
                weights.setdefault(event[0], 2.0 ** chance.uniform(-5, 5))
            (event,) = chance.choices(events, [weights[event[0]] for event in events])
            do(world, event)
            taken.append(event)
            if world.ledger.broken or number % LOOK_EVERY == 0:
                found.broken = broken(world, on.save())
            if found.broken:
                break
    finally:
        on.whole = True
    found.steps, found.transitions = taken, len(taken)
    found.seconds = time.monotonic() - began
    return found


def as_line(steps: list[Event]) -> str:
    """Steps as one line."""
    return "; ".join(" ".join(str(part).replace(" ", "-") for part in step) for step in steps)


def from_line(line: str) -> list[Event]:
    """The steps in such a line."""
    return [tuple(_part(part) for part in step.split()) for step in line.split(";")]


def _part(text: str) -> str | int:
    return int(text) if text.isdigit() else text.replace("-", " ")


def replay(plan: Plan, on: RememberingRedis, steps: list[Event]) -> tuple[str, list[Event]]:
    """Take these steps, leaving out what can't happen; the promise that broke, and the steps up to
    there."""
    world, taken = begin(plan, on), []
    on.whole = False
    try:
        for step in steps:
            if parted(step)[0] not in enabled(world) and step not in faults(world):
                continue
            do(world, step)
            taken.append(step)
            if world.ledger.broken:
                break
        return broken(world, on.save()), taken
    finally:
        on.whole = True


def shrink(plan: Plan, on: RememberingRedis, found: Found, seconds: float = 60.0) -> Found:
    """Leave out what is not needed: halves, quarters, and so on, while the same promise breaks."""
    promise, until = found.broken.partition(":")[0], time.monotonic() + seconds
    part = len(found.steps) // 2
    while part and time.monotonic() < until:
        start = 0
        while start < len(found.steps) and time.monotonic() < until:
            tried = found.steps[:start] + found.steps[start + part :]
            why, taken = replay(plan, on, tried)
            if why.partition(":")[0] == promise:
                found.broken, found.steps = why, taken
            else:
                start += part
        part //= 2
    return found
