"""The challenges: judge the class in a cell, and keep the lamps of the levels that held."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Iterable
from datetime import date
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

from IPython.core.getipython import get_ipython

from demo_app.judge.checker import check
from demo_app.judge.explore import explore as explored
from demo_app.judge.history import called, story
from demo_app.judge.judge import AT_RANDOM, Judge, Verdict
from demo_app.judge.levels import LEVELS
from demo_app.judge.picture import svg
from demo_app.judge.report import page
from demo_app.judge.target import CannotJudge
from demo_app.judge.targets import target_of
from lab.language import JAPANESE, say
from lab.progress import Progress
from lab.running import Lab
from lab.show import Picture, Table

#: What was judged when a level last held, by its number; beside the notebooks.
JUDGED = Path("judged.json")
#: The page that `certificate` writes there.
CERTIFICATE = Path("certificate.html")
_SIGNS = {True: "✓ holds", False: "✗ fails", None: "– not asked"}
#: The backend that `on_the_blog` writes there.
BACKEND = Path("my_queue.py")


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
                    (f"{line.at:.2f} s", called(line.who, say), line.what)
                    for line in story(verdict.record, say)
                ]
                why = _why(verdict)
                words = say("{why} Step by step below.", why=why)
                show(Picture(svg(verdict.record, why, say), words))
                level = say("level {number}", number=verdict.level.number)
                show(Table(("when", "who", "what"), lines, level))
        show(lamps())


def judge(queue: type, levels: int | Iterable[int], seconds: float = AT_RANDOM) -> Judgement:
    """Judge the class that a cell of this notebook defines.

    Its cell is all that the workers get: what the class needs, it has to import there.
    levels: one, or several. seconds: for faults at random, for each level that has them, as the
    command has: a lamp means the same in both.
    Raises CannotJudge when the class can't be run at all.
    """
    wanted = [levels] if isinstance(levels, int) else list(levels)
    seed, source = secrets.randbelow(1_000), _cell_of(queue.__name__)
    with tempfile.TemporaryDirectory(prefix="challenge-") as folder:
        path = Path(folder) / "my_queue.py"
        path.write_text(source, "utf-8")
        names = ", ".join(map(str, wanted))
        with (
            Judge(target_of(f"{path}:{queue.__name__}", say), seed, seconds, say=say) as court,
            Progress(say("the judge, level {names}", names=names), lambda: court.so_far(say)),
        ):
            verdicts = list(court.judge(wanted))
    _remember([verdict for verdict in verdicts if verdict.held], seed, source)
    return Judgement(verdicts)


def explore(queue: type) -> Picture | str:
    """The shortest way in which the class loses a job, of all orders of its commands, with one kill
    between any two of them; in words that there is none."""
    found = explored(queue, say=say)
    if found.why:
        return Picture(found.svg(say), found.why)
    told = "No job is lost in {states} states: these are all that there are."
    return say(
        told if found.whole else "No job is lost in the first {states} states.", states=found.states
    )


def on_the_blog(queue: type, **options: Any) -> Lab:
    """Write the class into a file that is a backend, and start the blog with two of its workers.

    options: see `Lab`. Raises CannotJudge when no cell defines the class.
    """
    ending = f"from lab.queue_backend import backend_of\n\nmake = backend_of({queue.__name__})\n"
    BACKEND.write_text(f"{_cell_of(queue.__name__).rstrip()}\n\n\n{ending}", "utf-8")
    sys.modules.pop(BACKEND.stem, None)  # the class may have been changed since
    invalidate_caches()
    folders = [str(Path.cwd()), str(Path(__file__).resolve().parents[1])]
    found = {"PYTHONPATH": os.pathsep.join([*folders, os.environ.get("PYTHONPATH", "")])}
    given = {"workers": 2, "environment": found, **options}
    return Lab(backend=f"{BACKEND.stem}:make", **given)


def lamps() -> Table:
    """The twelve lamps: lit for each level that held, here or in another challenge."""
    lit = _judged()
    rows = [("●" if str(n) in lit else "○", n, say(level.name)) for n, level in LEVELS.items()]
    told = say("{lit} of {all} lamps are lit", lit=len(lit), all=len(LEVELS))
    return Table(("", "level", "promise"), rows, told)


def _verdicts_table(verdicts: list[Verdict]) -> Table:
    rows = [(v.level.number, say(_SIGNS[v.held]), say(v.level.name), _why(v)) for v in verdicts]
    return Table(("level", "verdict", "promise", "what kind of hole it is"), rows)


def _why(verdict: Verdict) -> str:
    """The verdict's sentence, in the lesson's language."""
    if verdict.plan is None or verdict.record is None:
        return verdict.why
    return check(verdict.plan, verdict.record, say)


def _cell_of(name: str) -> str:
    """The source of the last cell that defines the class. Raises CannotJudge for none."""
    shell: Any = get_ipython()
    cells: list[str] = shell.user_ns["In"] if shell is not None else []
    defines = re.compile(rf"^class {re.escape(name)}\b", re.MULTILINE)
    for cell in reversed(cells):
        if defines.search(cell):
            return cell
    raise CannotJudge(say("No cell of this notebook defines the class {name}.", name=name))


def certificate(name: str = "") -> Table:
    """Write a page for the wall: which level held, when, and the queue that was judged.

    name: whose it is.
    """
    rows = [
        {"number": number, "name": say(level.name), **_judged().get(str(number), {})}
        for number, level in LEVELS.items()
    ]
    lit = [row for row in rows if "source" in row]
    sources = list(dict.fromkeys(row["source"] for row in lit))
    for row in lit:
        row["queue"] = sources.index(row["source"]) + 1
    given = {"say": say, "language": "ja" if JAPANESE else "en"}
    text = page("certificate.html", owner=name, rows=rows, lit=len(lit), sources=sources, **given)
    CERTIFICATE.write_text(text, "utf-8")
    told = say("{lit} of {all} lamps are lit", lit=len(lit), all=len(rows))
    return Table(("the page", "what it shows"), [(CERTIFICATE, told)], "Open it in a browser.")


def _judged() -> dict[str, dict[str, Any]]:
    return dict(json.loads(JUDGED.read_text("utf-8"))) if JUDGED.exists() else {}


def _remember(held: list[Verdict], seed: int, source: str) -> None:
    now = {
        str(verdict.level.number): {
            "day": date.today().isoformat(),
            "seed": seed,
            "trials": verdict.trials,
            "jobs": verdict.jobs,
            "source": source,
        }
        for verdict in held
    }
    written = JUDGED.with_suffix(".new")  # a kernel may be killed in the middle of it
    written.write_text(json.dumps(_judged() | now), "utf-8")
    written.replace(JUDGED)
