"""Judge the queue in every Python file of a folder: ``python -m demo_app.judge.grade FOLDER``.

Each file is judged in a process of its own. Its code runs as the user who calls the judge.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from demo_app.judge.levels import LEVELS
from demo_app.judge.sheet import SIGNS, Sheet
from demo_app.markdown import plain, table

_JUDGE = (sys.executable, "-P", "-m", "demo_app", "judge")


def grade(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    levels: Annotated[str, typer.Option(metavar="1-12")] = "1-12",
    seconds: Annotated[float, typer.Option(metavar="S", help="at most, for each file")] = 600.0,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="write the rows there")] = None,
) -> None:
    """Print one row per file. A file whose judge is interrupted gets no row."""
    head = ["file", *map(str, LEVELS), "why"]
    print(table(head, []))
    sheet = Sheet(head, csv)
    for path in filter(Path.is_file, sorted(folder.rglob("*.py"))):
        if cells := judged(path, levels, seconds):
            row = sheet.add([path.relative_to(folder), *cells])
            print(table([*map(plain, row)], []).splitlines()[0], flush=True)


def judged(path: Path, levels: str, seconds: float) -> list[str]:
    """Return the sign of each level, and why the first of them fails; [] if it was interrupted."""
    unknown = [""] * len(LEVELS)
    try:
        command = [*_JUDGE, f"{path}:{queue_of(path)}", "--levels", levels, "--json"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except (SyntaxError, ValueError, OSError, RecursionError, LookupError) as error:
        return [*unknown, f"{type(error).__name__}: {error}"]
    except subprocess.TimeoutExpired:
        return [*unknown, f"not done within {seconds:g} s"]
    if ended.returncode not in (0, 1, 2):
        return []
    if ended.returncode == 2:
        return [*unknown, (ended.stderr.splitlines() or ["no reason was given"])[-1]]
    found = {one["level"]: one for one in json.loads(ended.stdout.splitlines()[-1])["levels"]}
    signs = [SIGNS[found[level]["held"]] if level in found else "" for level in LEVELS]
    why = [f"level {level}: {one['why']}" for level, one in found.items() if one["why"]]
    return [*signs, *(why or [""])[:1]]


def queue_of(path: Path) -> str:
    """Return the name of the class: MyQueue, or the last with put, claim and ack of its own."""
    found = []
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            methods = {getattr(part, "name", "") for part in node.body}
            if node.name == "MyQueue" or {"put", "claim", "ack"} <= methods:
                found.append(node.name)
    if not found:
        raise LookupError("there is no class with put, claim and ack")
    return "MyQueue" if "MyQueue" in found else found[-1]


if __name__ == "__main__":
    typer.run(grade)
