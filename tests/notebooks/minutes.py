"""Write into each lesson and challenge how long it takes: ``python -m notebooks.minutes``, in
``tests``.

The minutes of a section are the machine's time plus a person's time. ``--measure`` measures the
machine's time: it runs the cells of the named lessons, or of all, and stores their seconds in
``seconds.json``. A person reads the prose, looks at each cell and its output, and solves the
exercises.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from difflib import ndiff
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from notebooks.japanese import JAPANESE, TRANSLATED, english, japanese, take_over_minutes
from notebooks.kernels import NOTEBOOKS, kernel
from notebooks.lesson import CHALLENGES, LESSONS, code_cells, exercise_of, solution_of, solutions_of

#: Words per minute of a learner who reads English as a foreign language.
_WORDS = 120
#: Minutes for looking at a cell and its output.
_LOOK = 0.4
#: _SOLVE: minutes for an exercise. _REPAIR: for a mystery, to find and repair its fault. _WRITE:
#: for the learner's own app.
_SOLVE, _REPAIR, _WRITE = 2.5, 8.0, 60.0
#: Minutes for each new line in the solution of a challenge, in addition to _SOLVE.
_LINE = 1.0
#: A challenge's cells run at least twice: with the bug, and with the solution.
_RUNS = 2
#: An estimate of more minutes than this is rounded to a multiple of 5.
_LONG = 40
SECONDS = Path(__file__).with_name("seconds.json")
_OF_A_SECTION = re.compile(r"\*About \d+ minutes?\.\*\n\n")
_OF_ALL = re.compile(r"(?<=\*\*Time:\*\* )about \d+ minutes?")
_TITLE = re.compile(r"^(?:## |### Exercise).+\n\n", re.M)
_EXERCISE = re.compile(r"^### Exercise (\d+\.\d)", re.M)
_HEADING = re.compile(r"^(?=## |### Exercise)", re.M)


def with_minutes(name: str, seconds: Sequence[float]) -> Any:
    """Return the notebook with the minutes of each section written into its text.

    Args:
        seconds: the measured time of each code cell.
    """
    notebook, runs = english(name), 1
    minutes = [0.0]  # of each section; the first one has no heading
    has_code = [False]
    if name in CHALLENGES:
        begins, ends = code_cells(name)[1].splitlines(), solution_of(name).splitlines()
        new = sum(line.startswith("+ ") for line in ndiff(begins, ends))
        minutes, runs = [_SOLVE + new * _LINE], _RUNS
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    machine = {cell.id: taken for cell, taken in zip(cells, seconds, strict=True)}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            minutes[-1] += runs * (_LOOK + machine[cell.id] / 60)
            has_code[-1] = True
            continue
        cell.source = _OF_A_SECTION.sub("", cell.source)
        for number, text in enumerate(_HEADING.split(cell.source)):
            if number or _HEADING.match(text):
                minutes.append(0.0)
                has_code.append(False)
            minutes[-1] += len(text.split()) / _WORDS + sum(map(_solving, _EXERCISE.findall(text)))
    sections = iter(
        [
            f"*About {_minutes(exact)}.*\n\n" if code else ""
            for exact, code in zip(minutes, has_code, strict=True)
        ][1:]
    )
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
    rounded = 5 * round(exact / 5) if exact > _LONG else max(1, round(exact))
    return f"{rounded} minute{'s' * (rounded > 1)}"


def _measure(name: str) -> list[float]:
    """Run the notebook's cells in a new kernel. Return the seconds of each.

    An exercise's solution runs after the exercise's cell, because later cells may need it. A
    challenge's solution runs in place of the class with the bug, in an empty folder.
    """
    cells, solved, taken = code_cells(name), {}, []
    if name in CHALLENGES:
        cells[1] = solution_of(name)
    else:
        solved = solutions_of(name)
    with TemporaryDirectory() as empty, kernel(Path(empty) if not solved else NOTEBOOKS) as here:
        here.run(f"import sys; sys.path.insert(0, {str(NOTEBOOKS)!r})")
        for cell in cells:
            began = time.monotonic()
            here.run(cell)
            taken.append(round(time.monotonic() - began, 1))
            here.run(solved.get(exercise_of(cell) or "", ""))
    return taken


def measured() -> dict[str, list[float]]:
    """Return the stored seconds of each code cell, by lesson and challenge."""
    found: dict[str, list[float]] = json.loads(SECONDS.read_text("utf-8"))
    return found


def main(names: Sequence[str]) -> None:
    seconds = measured() | {name: _measure(name) for name in names}
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
    sys.path.insert(0, str(NOTEBOOKS))  # for `lab`, which reads the solutions
    parser = argparse.ArgumentParser(prog="python -m notebooks.minutes", description=__doc__)
    every = [*LESSONS, *CHALLENGES]
    parser.add_argument("--measure", nargs="*", metavar="NAME", choices=every)
    names = parser.parse_args().measure
    main(every if names == [] else names or [])
