"""How long a lesson or a challenge takes: ``python -m notebooks.minutes``, in ``tests``, writes it
into them.

A section's minutes are what the machine needs for its cells, measured (``--measure`` runs all of
them, or those that are named, and keeps the seconds in ``seconds.json``), and what a person needs:
to read the prose, to look at each cell and at what it shows, and to solve an exercise.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from difflib import ndiff
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from notebooks.japanese import JAPANESE, TRANSLATED, english, japanese, take_over_minutes
from notebooks.kernels import NOTEBOOKS, kernel
from notebooks.lesson import CHALLENGES, LESSONS, code_cells, exercise_of, solution_of, solutions_of

#: Words a minute of somebody who reads English as a foreign language, and learns from it.
_WORDS = 120
#: Minutes for a cell and what it shows.
_LOOK = 0.4
#: Minutes for an exercise; for a mystery to be found and repaired; for an app of one's own.
_SOLVE, _REPAIR, _WRITE = 2.5, 8.0, 60.0
#: Minutes for each line that a challenge's class needs, above those for any exercise.
_LINE = 1.0
#: A challenge's cells run twice at least: they show the hole, and then the lamp.
_RUNS = 2
#: A lesson or section of so many minutes is guessed too coarsely to name each of them.
_LONG = 40
SECONDS = Path(__file__).with_name("seconds.json")
_OF_A_SECTION = re.compile(r"\*About \d+ minutes?\.\*\n\n")
_OF_ALL = re.compile(r"(?<=\*\*Time:\*\* )about \d+ minutes?")
_TITLE = re.compile(r"^(?:## |### Exercise).+\n\n", re.M)
_EXERCISE = re.compile(r"^### Exercise (\d+\.\d)", re.M)
_HEADING = re.compile(r"^(?=## |### Exercise)", re.M)


def with_minutes(name: str, seconds: Sequence[float]) -> Any:
    """The notebook of a lesson or challenge, with its minutes as they should be. seconds: of each
    code cell."""
    notebook = english(name)
    if name not in CHALLENGES:
        return timed(notebook, seconds)
    begins, ends = code_cells(name)[1].splitlines(), solution_of(name).splitlines()
    new = sum(line.startswith("+ ") for line in ndiff(begins, ends))
    return timed(notebook, [_RUNS * taken for taken in seconds], _RUNS, _SOLVE + new * _LINE)


def timed(notebook: Any, seconds: Sequence[float], runs: int = 1, first: float = 0.0) -> Any:
    """The notebook with its minutes. seconds: of each code cell. runs: how often a person looks at
    each. first: minutes before the first heading that no cell and no word is the reason of."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    machine = {cell.id: taken for cell, taken in zip(cells, seconds, strict=True)}
    minutes = [first]  # of each section; what is before the first heading is one
    has_code = [False]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            minutes[-1] += _LOOK * runs + machine[cell.id] / 60
            has_code[-1] = True
            continue
        cell.source = _OF_A_SECTION.sub("", cell.source)
        for number, text in enumerate(_HEADING.split(cell.source)):
            if number or _HEADING.match(text):
                minutes.append(0.0)
                has_code.append(False)
            minutes[-1] += len(text.split()) / _WORDS + sum(map(_solving, _EXERCISE.findall(text)))
    sections = iter([*map(_section, minutes, has_code)][1:])
    for cell in notebook.cells:
        if cell.cell_type != "code":
            cell.source = _TITLE.sub(lambda title: title[0] + next(sections), cell.source)
    top = notebook.cells[0]
    top.source = _OF_ALL.sub(f"about {_minutes(sum(minutes))}", top.source)
    return notebook


def _solving(exercise: str) -> float:
    if exercise == "12.1":
        return _WRITE
    return _REPAIR if exercise.startswith("11.") else _SOLVE


def _minutes(exact: float) -> str:
    """In whole minutes, one at least; from `_LONG` on, to the nearest five."""
    whole = 5 * round(exact / 5) if exact > _LONG else max(1, round(exact))
    return f"{whole} minute{'s' * (whole > 1)}"


def _section(minutes: float, has_code: bool) -> str:
    return f"*About {_minutes(minutes)}.*\n\n" if has_code else ""


def measure(
    cells: Sequence[str], solved: Mapping[str, str], folder: Path = NOTEBOOKS
) -> list[float]:
    """The seconds that each of these cells takes, in a fresh kernel in that folder. solved: the
    solution of each exercise, which later cells may need."""
    taken = []
    with kernel(folder) as here:
        here.run(f"import sys; sys.path.insert(0, {str(NOTEBOOKS)!r})")
        for cell in cells:
            began = time.monotonic()
            here.run(cell)
            taken.append(round(time.monotonic() - began, 1))
            here.run(solved.get(exercise_of(cell) or "", ""))
    return taken


def _measured_anew(name: str) -> list[float]:
    """Of a lesson; of a challenge with a class that holds, which writes its lamp beside itself."""
    cells = code_cells(name)
    if name not in CHALLENGES:
        return measure(cells, solutions_of(name))
    cells[1] = solution_of(name)
    with TemporaryDirectory() as empty:
        return measure(cells, {}, Path(empty))


def measured() -> dict[str, list[float]]:
    """The seconds that each code cell took when it was measured, by lesson and challenge."""
    found: dict[str, list[float]] = json.loads(SECONDS.read_text("utf-8"))
    return found


def main(names: Sequence[str]) -> None:
    """Measure those that are named, and write the minutes of all."""
    seconds = measured() | {name: _measured_anew(name) for name in names}
    rows = [f"{json.dumps(name)}: {json.dumps(seconds[name])}" for name in sorted(seconds)]
    SECONDS.write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf-8")
    for name, taken in seconds.items():
        before, notebook = english(name), with_minutes(name, taken)
        nbformat.write(notebook, NOTEBOOKS / f"{name}.ipynb")  # type: ignore[no-untyped-call]
        if name in TRANSLATED:
            translation = japanese(name)
            take_over_minutes(before, notebook, translation)
            nbformat.write(translation, JAPANESE / f"{name}.ipynb")  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    sys.path.insert(0, str(NOTEBOOKS))  # of `lab`, which reads the solutions
    parser = argparse.ArgumentParser(prog="python -m notebooks.minutes", description=__doc__)
    every = [*LESSONS, *CHALLENGES]
    parser.add_argument("--measure", nargs="*", metavar="NAME", choices=every)
    asked = parser.parse_args().measure
    main(every if asked == [] else asked or [])
