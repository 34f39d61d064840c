"""A sequence of steps as one line of text, and its replay."""

from explore.events import enabled, faults
from explore.frozen import FrozenRedis
from explore.plan import Plan
from explore.promises import broken
from explore.steps import begin, do, parted
from explore.world import Event


def as_line(steps: list[Event]) -> str:
    return "; ".join(" ".join(str(part).replace(" ", "-") for part in step) for step in steps)


def from_line(line: str) -> list[Event]:
    return [
        tuple(int(part) if part.isdigit() else part.replace("-", " ") for part in step.split())
        for step in line.split(";")
    ]


def replay(plan: Plan, on: FrozenRedis, steps: list[Event]) -> tuple[str, list[Event]]:
    """Take these steps, and skip those that are impossible. Return the broken promise, or "" for
    none, and the steps that were taken."""
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
