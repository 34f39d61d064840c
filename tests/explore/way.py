"""Ways through a world as one line, and such a way taken again."""

from __future__ import annotations

from explore.events import enabled, faults
from explore.plan import Plan
from explore.promises import broken
from explore.remembering import RememberingRedis
from explore.steps import begin, do, parted
from explore.world import Event


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
    on.reads_all = False
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
        on.reads_all = True
