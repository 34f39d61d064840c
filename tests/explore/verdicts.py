"""``make mutants`` judges each one-line mistake: it finds the shortest sequence of steps to a
broken promise, or none within the bound.

The worlds are tried one after the other. In each world, the code with the mistake first gets the
same input as the correct code: a script runs on each content of Redis on which the correct script
ran, and each step that called the function is taken again. If every result is the same, the mistake
has no effect in this world. Otherwise the world is explored again with the mistake.
"""

import argparse
import json
import logging
import random
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from generated import put

from demo_app.markdown import table
from explore.events import enabled, faults
from explore.frozen import FrozenRedis, Hangs
from explore.line import LINE
from explore.memory import Key
from explore.mutants import Mutant, called, of_scripts, of_steps
from explore.outside import reason
from explore.plan import Plan
from explore.search import Breadth, Todo, name_of, server, taken
from explore.steps import begin
from explore.way import as_line
from explore.worker import Wire, text_of
from explore.world import Event
from explore.worlds import JUDGED

ROOT = Path(__file__).parents[2]
#: The verdicts, a line for each mistake. Delete this file to judge all mistakes again.
LEDGER = ROOT / "build" / "mutants.jsonl"
PAGE = ROOT / "notebooks" / "reference" / "how-we-know.md"
#: Maximum number of states visited in one world; in a larger world, those nearest to its start.
_STATES = 1_500
#: If a mistake has broken no promise after more steps than this, skip the remaining worlds.
_MAX_STEPS = 5_000
#: Results of a mistake other than a broken promise. For "a reason" see `outside`.
_KINDS = ("equal", "a reason", "survives", "not met", "not judged")
#: CPU seconds for one mistake in one world. The step that runs after this time counts as endless.
_PATIENCE = 90


@dataclass(frozen=True)
class Answer:
    """The verdict on one mistake, and the shortest proof.

    Attributes:
        verdict: the broken promise; or "survives" (results differ, and no promise breaks), "equal"
            (no result differs) or "not met" (no world runs the script or function).
        world: the world in which results differ; "" if they differ in none.
        steps: the shortest sequence of steps to the broken promise.
    """

    verdict: str
    world: str = ""
    steps: tuple[Event, ...] = ()

    @property
    def kind(self) -> str:
        return self.verdict if self.verdict in ("survives", "equal", "not met") else "broken"


class Normal:
    """A world explored without a mistake: its steps, their results, and the called functions."""

    def __init__(self, plan: Plan, on: FrozenRedis) -> None:
        self.plan, self.on = plan, on
        self._came_to: dict[tuple[bytes, Event | None], Any] = {}
        self._calls: dict[str, Todo] = defaultdict(Todo)
        calls: set[str] = set()

        def trace(frame: Any, *_: Any) -> None:
            if "/demo_app/b" in frame.f_code.co_filename:
                calls.add(called(frame.f_code))

        def seen(name: bytes, saved: Any, event: Event | None, after: Any) -> None:
            self._came_to[name, event] = after
            for one in calls:
                self._calls[one].append((name, saved, event))
            calls.clear()

        Wire.texts.clear()
        sys.settrace(trace)
        try:
            self.found = Breadth(plan, on).run(_STATES, seen=seen)
        finally:
            sys.settrace(None)
        if self.found.broken:
            raise ValueError(f"the unchanged code breaks a promise: {self.found}")
        self._texts, self.memory = dict(Wire.texts), dict(on.memory)

    def meets(self, mutant: Mutant) -> bool:
        """Return True if this world runs the script or function of the mistake (already made)."""
        return mutant.in_ in self._calls or bool(self._changed())

    def _changed(self) -> list[tuple[str, str]]:
        """Return the script texts that the mistake changes: before and after."""
        texts = ((old, text_of(*known)) for known, old in self._texts.items())
        return [(old, new) for old, new in texts if old != new]

    def differs(self, mutant: Mutant) -> bool:
        """Return True if the mistake (already made) changes any result."""
        if mutant.in_ not in self._calls:
            return not all(self.on.does_the_same(old, new) for old, new in self._changed())
        world = begin(self.plan, self.on)
        for name, _, event, content, why in taken(world, self.on, self._calls[mutant.in_].copy()):
            if why:
                return True
            if event is None:
                after: Any = [*enabled(world), *faults(world)]
            else:
                after = name_of(Key(world, content)), LINE.sent
            if world.ledger.broken or after != self._came_to[name, event]:
                return True
        return False


def judge(mutant: Mutant, worlds: Sequence[Callable[[], Normal]]) -> Answer:
    """Try a mistake in several worlds, in order.

    Args:
        worlds: functions that return a world, explored without the mistake.
    """
    answer, steps = Answer("not met"), 0
    for make in worlds:
        world = make()
        with mutant.made():
            if steps > _MAX_STEPS or not world.meets(mutant):
                continue
            found, count = _judge_in(world, mutant)
        steps += count
        if found.kind == "broken":
            return found
        answer = answer if answer.kind == "survives" else found
    return answer


def _judge_in(world: Normal, mutant: Mutant) -> tuple[Answer, int]:
    """Return the verdict on the mistake in one world, and the number of steps taken with it."""
    signal.setitimer(signal.ITIMER_PROF, _PATIENCE, _PATIENCE)
    name = world.plan.name
    try:
        if not world.differs(mutant):
            return Answer("equal"), 0
        # a higher limit, since the world may have more states with the mistake
        found = Breadth(world.plan, world.on).run(300 + 2 * world.found.states)
    except Hangs:
        return Answer("ends", name), 0
    except Exception as error:  # with the mistake, the world can't be set up
        return Answer(f"raises {type(error).__name__}", name), 0
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        # forget the results of scripts that had the mistake
        world.on.memory = dict(world.memory)
    promise = found.broken.partition(":")[0]
    return Answer(promise or "survives", name, tuple(found.steps)), found.transitions


def main() -> None:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("text", nargs="?", default="", help="only what is in a file with TEXT")
    parser.add_argument("--page", action="store_true", help="write the table, and judge nothing")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGPROF, _give_up)
    names: Counter[str] = Counter()
    mutants: dict[str, Mutant] = {}
    for mutant in (*of_scripts(), *of_steps()):
        # not by line number, which every edit of the file may change
        line = f"{mutant.where.partition(':')[0]}: {mutant.before.strip()}"
        names[line] += 1
        mutants[f"{line} #{names[line]}"] = mutant
    LEDGER.parent.mkdir(exist_ok=True)
    LEDGER.touch()
    rows = [json.loads(line) for line in LEDGER.read_text("utf-8").splitlines()]
    judged = {row["name"]: row for row in rows if row["name"] in mutants}
    if args.page:
        PAGE.write_text(put(PAGE, "mutants", summary(mutants, judged)), "utf-8")
        return
    left = [name for name in mutants if name not in judged and args.text in mutants[name].where]
    random.Random(1).shuffle(left)  # if time runs out, the judged mistakes are a fair sample of all
    with ExitStack() as stack, LEDGER.open("a", encoding="utf-8") as ledger:
        worlds = [
            cache(lambda plan=plan: Normal(plan, stack.enter_context(server()))) for plan in JUDGED
        ]
        for number, name in enumerate(left, 1):
            mutant, answer = mutants[name], judge(mutants[name], worlds)
            row = {"name": name, "what": mutant.what, "kind": answer.kind, "world": answer.world,
                   "verdict": answer.verdict, "steps": as_line(list(answer.steps))}  # fmt: skip
            print(json.dumps(row), file=ledger, flush=True)
            judged[name] = row
            place = f" in {len(answer.steps)} steps of {answer.world}" if answer.steps else ""
            print(
                f"{number}/{len(left)} {mutant.where} {mutant.what}: {answer.verdict}{place}",
                flush=True,
            )
    print(summary(mutants, judged))


def _give_up(*_: object) -> None:
    raise Hangs("a step does not end")


def summary(mutants: dict[str, Mutant], judged: dict[str, Any]) -> str:
    """Return two tables: the results (of scripts, of steps in Python, of all) and the reasons."""
    kinds = {name: judged[name]["kind"] if name in judged else "not judged" for name in mutants}
    reasons: Counter[str] = Counter()
    for name, mutant in mutants.items():
        if kinds[name] in ("survives", "not met", "not judged") and reason(mutant):
            kinds[name] = "a reason"
            reasons[reason(mutant)] += 1
    rows = []
    for title, ending in (("scripts", ".lua:"), ("steps in Python", ".py:"), ("all", ":")):
        names = [name for name in mutants if ending in name]
        count = Counter(kinds[name] for name in names)
        found = [judged[name]["steps"].count(";") + 1
                 for name in names if judged.get(name, {}).get("steps")]  # fmt: skip
        rows.append([title, str(len(names)), str(count["broken"]), f"{median(found or [0]):g}",
                     *(str(count[kind]) for kind in _KINDS)])  # fmt: skip
    head = ["in", "mistakes", "break a promise", "steps (median)", *_KINDS]
    counts = [[what, str(times)] for what, times in reasons.most_common()]
    return "\n\n".join((
        table(head, rows, ["---", *["---:"] * (len(head) - 1)]),
        table(["the reason", "mistakes"], counts, ["---", "---:"]),
    ))  # fmt: skip


if __name__ == "__main__":
    main()
