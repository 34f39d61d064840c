"""The challenges: judge the class in a cell, and keep the lamps of the levels that held."""

from __future__ import annotations

import json
import re
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from IPython.core.getipython import get_ipython

from demo_app.verification.judge.judge import Judge, Verdict
from demo_app.verification.judge.levels import LEVELS
from demo_app.verification.judge.picture import svg
from demo_app.verification.judge.target import CannotJudge
from demo_app.verification.judge.targets import target_of
from lab.progress import Progress
from lab.show import Picture, Table

#: Which levels held once, for the lamps; beside the notebooks.
PROGRESS = Path("progress.json")


class Judgement:
    """What `judge` shows: a line for each level, the hole, its history, its picture."""

    def __init__(self, verdicts: list[Verdict]) -> None:
        self.verdicts = verdicts
        self.held = all(verdict.held for verdict in verdicts)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        show: Any = display
        show(_verdicts_table(self.verdicts))
        for verdict in self.verdicts:
            if verdict.record is not None:
                lines = [
                    (f"{line['at']:.2f} s", line["who"], line["what"])
                    for line in verdict.as_json()["history"]
                ]
                show(
                    Picture(svg(verdict.record, verdict.why), f"{verdict.why} Step by step below.")
                )
                show(Table(("when", "who", "what"), lines, f"level {verdict.level.number}"))
        show(lamps())


def judge(queue: type, levels: int | Iterable[int], seconds: float = 0.0) -> Judgement:
    """Judge the class that a cell of this notebook defines.

    Its cell is all that the workers get: what the class needs, it has to import there.
    levels: one, or several. seconds: for faults at random, for each level.
    Raises CannotJudge when the class can't be run at all.
    """
    wanted = [levels] if isinstance(levels, int) else list(levels)
    with tempfile.TemporaryDirectory(prefix="challenge-") as folder:
        path = Path(folder) / "my_queue.py"
        path.write_text(_cell_of(queue.__name__), "utf-8")
        names = ", ".join(map(str, wanted))
        with (
            Progress(f"the judge, level {names}"),
            Judge(
                target_of(f"{path}:{queue.__name__}"), secrets.randbelow(1_000), seconds
            ) as court,
        ):
            verdicts = list(court.judge(wanted))
    _remember(verdict.level.number for verdict in verdicts if verdict.held)
    return Judgement(verdicts)


def lamps() -> Table:
    """The twelve lamps: lit for each level that held, here or in another challenge."""
    lit = _progress()
    rows = [("●" if number in lit else "○", number, level.name) for number, level in LEVELS.items()]
    return Table(("", "level", "promise"), rows, f"{len(lit)} of {len(LEVELS)} lamps are lit")


def _verdicts_table(verdicts: list[Verdict]) -> Table:
    rows = [
        (v.level.number, "✓ holds" if v.held else "✗ fails", v.level.name, v.why) for v in verdicts
    ]
    return Table(("level", "verdict", "promise", "what kind of hole it is"), rows)


def _cell_of(name: str) -> str:
    """The source of the last cell that defines the class. Raises CannotJudge for none."""
    shell: Any = get_ipython()
    cells: list[str] = shell.user_ns["In"] if shell is not None else []
    defines = re.compile(rf"^class {re.escape(name)}\b", re.MULTILINE)
    for cell in reversed(cells):
        if defines.search(cell):
            return cell
    raise CannotJudge(f"No cell of this notebook defines the class {name}.")


def _progress() -> set[int]:
    return set(json.loads(PROGRESS.read_text())) if PROGRESS.exists() else set()


def _remember(held: Iterable[int]) -> None:
    PROGRESS.write_text(json.dumps(sorted(_progress() | set(held))))
