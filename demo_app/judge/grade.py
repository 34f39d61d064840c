"""The command that judges several targets: ``python -m demo_app.judge.grade FOLDER|TARGET …``.

A folder means the class MyQueue of every Python file in it and in its subfolders. Each target is
judged in its own process. The target's code runs with the rights of the user who calls the judge.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from demo_app.judge.levels import LEVELS
from demo_app.markdown import plain, table
from demo_app.shared.escape import escape_formulas, one_line

#: The symbols of a level that holds, fails, or could not be tested.
SIGNS = {True: "✓", False: "✗", None: "–"}
_JUDGE = (sys.executable, "-P", "-m", "demo_app", "judge")
#: Longest text of a cell (characters).
_LONGEST = 2_000


def grade(
    targets: Annotated[list[str], typer.Argument(metavar="FOLDER|TARGET")],
    levels: Annotated[str, typer.Option(metavar="1-12")] = "1-12",
    seconds: Annotated[float, typer.Option(metavar="S", help="at most, for each target")] = 600.0,
    sheet: Annotated[
        typer.FileTextWrite,
        typer.Option("--csv", metavar="FILE", help="write the rows there", encoding="utf-8"),
    ] = os.devnull,  # type: ignore[assignment]
) -> None:
    """Print one row per target. A target whose judge is interrupted gets no row."""
    head = ["target", *map(str, LEVELS), "why"]
    print(table(head, []))
    rows = csv.writer(sheet)
    rows.writerow(head)
    for name, target in (found for given in targets for found in _targets(given)):
        if cells := judge_target(target, levels, seconds):
            row = [escape_formulas(one_line(cell)[:_LONGEST]) for cell in (name, *cells)]
            rows.writerow(row)
            sheet.flush()
            print(table([*map(plain, row)], []).splitlines()[0], flush=True)


def _targets(given: str) -> Iterator[tuple[str, str]]:
    if not Path(given).is_dir():
        yield given, given
    for path in filter(Path.is_file, sorted(Path(given).rglob("*.py"))):
        yield str(path.relative_to(given)), f"{path}:MyQueue"


def judge_target(target: str, levels: str, seconds: float) -> list[str]:
    """Judge a target in a new process.

    Args:
        levels: the levels, as on the command line.
        seconds: longest duration.

    Returns:
        A symbol for each level ("" if it was not judged), and finally one text with all reasons;
        [] if the judge was interrupted.
    """
    unknown = [""] * len(LEVELS)
    command = [*_JUDGE, target, "--levels", levels, "--json"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return [*unknown, f"not done within {seconds:g} s"]
    if ended.returncode not in (0, 1, 2):
        return []
    if ended.returncode == 2 or not ended.stdout:  # without a result the judge itself has failed
        return [*unknown, (ended.stderr.splitlines() or ["no reason was given"])[-1]]
    found = {one["level"]: one for one in json.loads(ended.stdout.splitlines()[-1])["levels"]}
    signs = [SIGNS[found[level]["held"]] if level in found else "" for level in LEVELS]
    why = (f"level {level}: {one['why'].rstrip('.')}" for level, one in found.items() if one["why"])
    return [*signs, "; ".join(why)]


if __name__ == "__main__":
    typer.run(grade)
