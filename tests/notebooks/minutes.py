"""How long each lesson takes: ``python -m notebooks.minutes``, in ``tests``, writes it into them.

A section's minutes are what the machine needs for its cells, measured (``--measure`` runs the
lessons and keeps the seconds in ``seconds.json``), and what a person needs: to read the prose, to
look at each cell and at what it shows, and to solve an exercise.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from notebooks.japanese import JAPANESE, TRANSLATED, english, japanese, take_over_minutes
from notebooks.kernels import NOTEBOOKS, kernel
from notebooks.lesson import LESSONS, code_cells

#: Words a minute of somebody who reads English as a foreign language, and learns from it.
_WORDS = 120
#: Minutes for a cell and what it shows.
_LOOK = 0.4
#: Minutes for an exercise; for a mystery to be found and repaired; for an app of one's own.
_SOLVE, _REPAIR, _WRITE = 2.5, 8.0, 60.0
#: A lesson or section of so many minutes is guessed too coarsely to name each of them.
_LONG = 40
SECONDS = Path(__file__).with_name("seconds.json")
_OF_A_SECTION = re.compile(r"\*About \d+ minutes?\.\*\n\n")
_OF_THE_LESSON = re.compile(r"(?<=\*\*Time:\*\* )about \d+ minutes")
_TITLE = re.compile(r"^(?:## |### Exercise).+\n\n", re.M)
_EXERCISE = re.compile(r"^### Exercise (\d+\.\d)", re.M)
_HEADING = re.compile(r"^(?=## |### Exercise)", re.M)


def with_minutes(lesson: str, seconds: Sequence[float]) -> Any:
    """The lesson's notebook with its minutes as they should be. seconds: of each code cell."""
    notebook = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)
    machine = iter(seconds)
    minutes = [0.0]  # of each section; what is before the first heading is one
    runs = [False]  # whether a section has code
    for cell in notebook.cells:
        if cell.cell_type == "code":
            minutes[-1] += _LOOK + next(machine) / 60
            runs[-1] = True
            continue
        cell.source = _OF_A_SECTION.sub("", cell.source)
        for number, text in enumerate(_HEADING.split(cell.source)):
            if number or _HEADING.match(text):
                minutes.append(0.0)
                runs.append(False)
            minutes[-1] += len(text.split()) / _WORDS + sum(map(_solving, _EXERCISE.findall(text)))
    told = iter([(_whole(most), has) for most, has in zip(minutes, runs, strict=True)][1:])
    for cell in notebook.cells:
        if cell.cell_type != "code":
            cell.source = _TITLE.sub(lambda title: title[0] + _section(*next(told)), cell.source)
    first = notebook.cells[0]
    first.source = _OF_THE_LESSON.sub(f"about {_whole(sum(minutes))} minutes", first.source)
    return notebook


def _solving(exercise: str) -> float:
    if exercise == "12.1":
        return _WRITE
    return _REPAIR if exercise.startswith("11.") else _SOLVE


def _whole(minutes: float) -> int:
    """Whole minutes; from `_LONG` on, to the nearest five."""
    return 5 * round(minutes / 5) if minutes > _LONG else round(minutes)


def _section(minutes: int, has_code: bool) -> str:
    if not has_code:
        return ""
    return f"*About {max(1, minutes)} minute{'s' * (minutes > 1)}.*\n\n"


def measure(lesson: str) -> list[float]:
    """The seconds that each code cell takes, in a fresh kernel."""
    taken = []
    with kernel() as here:
        for cell in code_cells(lesson):
            began = time.monotonic()
            here.run(cell)
            taken.append(round(time.monotonic() - began, 1))
    return taken


def measured() -> dict[str, list[float]]:
    """The seconds that each code cell took when the lessons were measured, by lesson."""
    found: dict[str, list[float]] = json.loads(SECONDS.read_text("utf-8"))
    return found


def main(arguments: Sequence[str]) -> None:
    """Measure if asked to, and write every lesson's minutes."""
    if "--measure" in arguments:
        rows = [f'"{lesson}": {measure(lesson)}' for lesson in LESSONS]
        SECONDS.write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf-8")
    for lesson, seconds in measured().items():
        before, notebook = english(lesson), with_minutes(lesson, seconds)
        nbformat.write(notebook, NOTEBOOKS / f"{lesson}.ipynb")  # type: ignore[no-untyped-call]
        if lesson in TRANSLATED:
            translation = japanese(lesson)
            take_over_minutes(before, notebook, translation)
            nbformat.write(translation, JAPANESE / f"{lesson}.ipynb")  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1:])
