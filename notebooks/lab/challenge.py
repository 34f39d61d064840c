"""The challenges: judge the class of a cell, and store the levels that it passed."""

import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterable
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

from demo_app.judge.checker import check
from demo_app.judge.history import story
from demo_app.judge.judge import Judge, Verdict
from demo_app.judge.levels import LEVELS
from demo_app.judge.record import Record
from demo_app.judge.targets import target_of
from lab.language import translate
from lab.program import cell_of
from lab.progress import Progress
from lab.running import Lab
from lab.show import LabError, Several, Table

#: A file next to the notebooks with the numbers of the passed levels (JSON).
JUDGED = Path("judged.json")
_SIGNS = {True: "✓ holds", False: "✗ fails", None: "– not tested"}
#: The file with the learner's class. `judge` writes the class if it passes all requested levels;
#: `on_the_blog` always writes it. YOURS is the file's path from the folder of the lessons.
BACKEND = Path("my_queue.py")
YOURS = "challenges" / BACKEND


def judge(queue: type, levels: int | Iterable[int]) -> Several:
    """Judge the class of a cell, and store the levels that it passed.

    The workers receive only that cell, so the cell must import everything that the class needs. A
    class that passes all `levels` is also written to `BACKEND`.

    Args:
        levels: the number of one level, or the numbers of several levels.

    Returns:
        The verdicts, the events of each failed trial, and `lamps()`.

    Raises:
        CannotJudge: the class can't be run.
        LabError: no cell defines the class, or a level does not exist.
    """
    numbers = [levels] if isinstance(levels, int) else list(levels)
    if not numbers or not LEVELS.keys() >= {*numbers}:
        raise LabError("Levels are numbers from 1 to {n}.", n=len(LEVELS))
    seed, source = secrets.randbelow(1_000), cell_of(f"class {queue.__name__}")
    with tempfile.TemporaryDirectory(prefix="challenge-") as folder:
        path = Path(folder) / "my_queue.py"
        path.write_text(source, "utf-8")
        target = target_of(f"{path}:{queue.__name__}", translate)
        what = translate("the judge, level {names}", names=", ".join(map(str, numbers)))
        with Judge(target, seed, translate=translate) as court, Progress(what, court.so_far):
            verdicts = list(court.judge(numbers))
    held = {verdict.level.number for verdict in verdicts if verdict.held}
    written = JUDGED.with_suffix(".new")  # the kernel may be killed during the write
    written.write_text(json.dumps(sorted(held | _judged())), "utf-8")
    written.replace(JUDGED)
    if all(verdict.held for verdict in verdicts):
        _write(queue)
    holes = [_lanes(one.failure.record, _why(one)) for one in verdicts if one.failure]
    head = ("level", "verdict", "promise", "what kind of hole it is")
    rows = [
        (v.level.number, translate(_SIGNS[v.held]), translate(v.level.name), _why(v))
        for v in verdicts
    ]
    return Several(Table(head, rows), *holes, lamps())


def on_the_blog(queue: type, **options: Any) -> Lab:
    """Write the class to `BACKEND`, and start the blog with this backend and two workers.

    Args:
        options: see `Lab`.

    Raises:
        LabError: no cell defines the class.
    """
    _write(queue)
    return Lab(**blog_on(BACKEND, **options))


def _write(queue: type) -> None:
    source, name = cell_of(f"class {queue.__name__}").rstrip(), queue.__name__
    ending = f"from lab.queue_backend import backend_of\n\nmake = backend_of({name})\n"
    BACKEND.write_text(f"{source}\n\n\n{ending}", "utf-8")


def blog_on(file: Path, **options: Any) -> dict[str, Any]:
    """Return the options of a `Lab` with two workers that use the backend in a file.

    If the file was already imported as a module, let Python import it again.
    """
    module = ".".join(file.with_suffix("").parts)
    sys.modules.pop(module, None)  # the class may have changed
    invalidate_caches()
    folders = [str(Path.cwd()), str(Path(__file__).resolve().parents[1])]
    found = {"PYTHONPATH": os.pathsep.join([*folders, os.environ.get("PYTHONPATH", "")])}
    return {"backend": f"{module}:make", "workers": 2, "environment": found, **options}


def lamps() -> Table:
    """Return a table with a lamp for each level, lit if any class has passed the level."""
    lit = _judged()
    rows = [("●" if n in lit else "○", n, translate(level.name)) for n, level in LEVELS.items()]
    caption = translate(
        "{lit} of {all} lamps are lit", lit=len(lit & LEVELS.keys()), all=len(LEVELS)
    )
    return Table(("", "level", "promise"), rows, caption)


def _lanes(record: Record, why: str) -> Table:
    lines = story(record, translate)
    lanes = [*dict.fromkeys(line.who for line in lines)]
    rows = [
        (f"{line.at:.2f} s", *(line.what if line.who == lane else "" for lane in lanes))
        for line in lines
    ]
    return Table(("when", *lanes), rows, why, marked=("SIGKILL", "SIGSTOP"))


def _why(verdict: Verdict) -> str:
    failure = verdict.failure
    return check(failure.plan, failure.record, translate) if failure else verdict.why


def _judged() -> set[int]:
    return set(json.loads(JUDGED.read_text("utf-8"))) if JUDGED.exists() else set()
