"""Judges each queue of a folder of hand-ins, each in a process of its own, with limits.

The limits stop mistakes. They are no sandbox: a hand-in runs as you, with your files and network.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from demo_app.judge.target import CannotJudge
from demo_app.markdown import table

_METHODS = {"put", "claim", "ack"}
#: Of each process of a hand-in: bytes of address space. Of the user: processes and threads beside
#: those that there are.
MEMORY, PROCESSES = 2 << 30, 512


@dataclass(frozen=True, slots=True)
class Grade:
    """held: by level. told: of the first level that fails, or why it could not be judged."""

    file: str
    held: dict[int, bool] = field(default_factory=dict)
    told: str = ""


def hand_ins(folder: Path) -> list[Path]:
    """The notebooks and Python files of a folder."""
    return sorted(path for path in folder.iterdir() if path.suffix in (".py", ".ipynb"))


def grade(path: Path, arguments: Sequence[str], seconds: float) -> Grade:
    """Judge the last queue that a file defines. arguments: for the judge. seconds: at most."""
    with tempfile.TemporaryDirectory(prefix="grade-") as folder:
        try:
            queue = _queue_of(path, Path(folder))
            return _judged(path.name, [queue, *arguments], seconds)
        except CannotJudge as error:
            return Grade(path.name, told=str(error))


def _judged(name: str, arguments: Sequence[str], seconds: float) -> Grade:
    threads = sum(
        process.info["num_threads"] or 0
        for process in psutil.process_iter(["uids", "num_threads"])
        if process.info["uids"] and process.info["uids"].real == os.getuid()
    )

    def limit() -> None:
        wanted = {
            resource.RLIMIT_AS: MEMORY,
            resource.RLIMIT_NPROC: threads + PROCESSES,
            resource.RLIMIT_CPU: int(seconds) + 1,
        }
        for kind, most in wanted.items():
            with suppress(ValueError, OSError):  # macOS has not all of them
                resource.setrlimit(kind, (most, most))

    try:
        told = subprocess.run(
            [sys.executable, "-m", "demo_app", "judge", *arguments, "--json"],
            # each thread of glibc may reserve an arena of its own, which counts as memory
            env={**os.environ, "MALLOC_ARENA_MAX": "2"},
            preexec_fn=limit, timeout=seconds, check=False, capture_output=True, text=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:  # the judge was killed, and what it started ends with it
        return Grade(name, told=f"not done within {seconds:g} s")
    if told.returncode not in (0, 1):
        raise CannotJudge((told.stderr.strip().splitlines() or ["no reason was given"])[-1])
    levels = json.loads(told.stdout.splitlines()[-1])["levels"]
    held = {level["level"]: level["held"] for level in levels}
    broken = [f"level {level['level']}: {level['why']}" for level in levels if not level["held"]]
    return Grade(name, held, (broken or [""])[0])


def _queue_of(path: Path, folder: Path) -> str:
    """The target's name. A notebook's cell becomes a file in the folder. Raises CannotJudge."""
    try:
        text = path.read_text("utf-8")
        cells = list(_cells(text)) if path.suffix == ".ipynb" else [text]
    except (ValueError, KeyError, TypeError) as error:
        raise CannotJudge(f"It can't be read: {error}.") from error
    for cell in reversed(cells):
        try:
            tree = ast.parse(cell)
        except (SyntaxError, ValueError) as error:
            if path.suffix == ".py":
                raise CannotJudge(f"It is no Python: {error}.") from error
            continue  # a cell with IPython's own words
        for node in reversed(tree.body):
            methods = {part.name for part in ast.walk(node) if isinstance(part, ast.FunctionDef)}
            if isinstance(node, ast.ClassDef) and methods >= _METHODS:
                if path.suffix == ".ipynb":
                    path = folder / "my_queue.py"
                    path.write_text(cell, "utf-8")
                return f"{path}:{node.name}"
    raise CannotJudge("There is no class with put, claim and ack.")


def _cells(text: str) -> Iterator[str]:
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


def markdown(grades: Sequence[Grade], levels: Sequence[int]) -> str:
    """A row for each hand-in."""
    head = ["hand-in", *map(str, levels), "held", "the first hole"]
    rows = []
    for one in grades:
        signs = ["✓" if one.held.get(level) else "✗" for level in levels]
        rows.append([one.file, *signs, str(sum(one.held.values())), " ".join(one.told.split())])
    return table(head, rows, ["---", *(":---:" for _ in levels), "---:", "---"])


def as_csv(grades: Sequence[Grade], levels: Sequence[int]) -> str:
    """The same for a spreadsheet: 1 holds, 0 fails, nothing when it was not judged."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["hand-in", *(f"level {level}" for level in levels), "held", "told"])
    for one in grades:
        marks = [int(one.held[level]) if level in one.held else "" for level in levels]
        writer.writerow([one.file, *marks, sum(one.held.values()), one.told])
    return text.getvalue()
