"""Judges each queue of a folder of hand-ins: a row for each, whatever it does, as soon as it is
known. Each is judged in a process and a folder of its own, several side by side."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from demo_app.judge.leash import Leash
from demo_app.judge.lessons import LARGEST
from demo_app.judge.sheet import SIGNS, Sheet, safe
from demo_app.judge.target import CannotJudge

_METHODS = {"put", "claim", "ack"}
#: Of several classes that would do, one of this name is meant.
_USUAL = "MyQueue"
#: Folders in which nobody hands anything in.
_IGNORED = {"__pycache__", ".ipynb_checkpoints", "__MACOSX"}


@dataclass(frozen=True, slots=True)
class Grade:
    """held: by level. told: of the first level that does not hold, or why there is none."""

    queue: str = ""
    held: dict[int, bool | None] = field(default_factory=dict)
    told: str = ""


def hand_ins(folder: Path) -> list[Path]:
    """The notebooks and Python files of a folder, and of the folders in it."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in (".py", ".ipynb") and not _IGNORED & set(path.parts)
    )


def grade_all(
    folder: Path,
    levels: Sequence[int],
    arguments: Sequence[str],
    tell: Callable[[str], object],
    *,
    seconds: float,
    at_once: int,
    csv: Path | None,
    key: bytes,
) -> Sheet:
    """Judge every queue that is not in the sheet yet.

    arguments: for the judge. tell: is given a sentence for each that is done. seconds: at most,
    for each. csv, key: see `Sheet`. Raises OSError.
    """
    head = ["hand-in", "file", "class", *map(str, levels), "held", "seconds", "told"]
    sheet = Sheet(head, csv, key)
    known = {(row[0], row[1]) for row in sheet.rows}
    wanted = {path: (safe(path.relative_to(folder)), _digest(path)) for path in hand_ins(folder)}
    new = [path for path, names in wanted.items() if names not in known]
    if known:
        tell(f"{len(wanted) - len(new)} of {len(wanted)} hand-ins are in the sheet already.")
    leash, one_row, done = Leash(), threading.Lock(), count(1)

    def run(path: Path) -> None:
        began = time.monotonic()
        one = grade(path, arguments, seconds, leash)
        held = sum(kept is True for kept in one.held.values())
        took = f"{time.monotonic() - began:.0f}"
        signs = [SIGNS[one.held[level]] if level in one.held else "" for level in levels]
        with one_row:
            row = sheet.add([*wanted[path], one.queue, *signs, held, took, one.told])
            told = f"{held} of {len(levels)} levels hold" if one.held else row[-1]
            tell(f"{next(done)} of {len(new)}: {row[0]}: {told} ({took} s)")

    with ThreadPoolExecutor(at_once) as pool:
        try:
            for _ in pool.map(run, new):
                pass
        finally:  # who breaks it off leaves no judge running
            pool.shutdown(wait=False, cancel_futures=True)
            leash.end()
    return sheet


def grade(path: Path, arguments: Sequence[str], seconds: float, leash: Leash) -> Grade:
    """Judge the queue that a file defines. arguments: for the judge. seconds: at most."""
    try:
        folder = leash.new_folder()
        source, queue = queue_of(path)
        alone = folder / "my_queue.py"  # nobody else's files are beside it
        alone.write_text(source, "utf-8")
        judge = leash.start(
            [sys.executable, "-m", "demo_app", "judge", f"{alone}:{queue}", *arguments, "--json"],
            cwd=folder,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            text=True, errors="replace",
        )  # fmt: skip
        try:
            out, err = judge.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:  # what it started ends with it
            with suppress(ProcessLookupError):
                os.killpg(judge.pid, signal.SIGKILL)
            judge.communicate()
            return Grade(queue, told=f"not done within {seconds:g} s")
        if judge.returncode not in (0, 1):
            raise CannotJudge((err.strip().splitlines() or ["The judge was killed."])[-1])
        return _graded(queue, json.loads(out.splitlines()[-1])["levels"])
    except CannotJudge as error:
        return Grade(told=str(error))
    except Exception as error:  # whatever it is: the others have their rows
        return Grade(told=f"It could not be judged: {type(error).__name__}: {error}")


def _graded(queue: str, levels: list[dict[str, Any]]) -> Grade:
    broken = [level for level in levels if not level["held"]]
    broken.sort(key=lambda level: level["held"] is None)  # a hole is told before a question
    told = [f"level {level['level']}: {level['why']}" for level in broken]
    return Grade(queue, {level["level"]: level["held"] for level in levels}, (told or [""])[0])


def queue_of(path: Path) -> tuple[str, str]:
    """The source with the queue's class, and the class's name. Raises CannotJudge."""
    if path.is_symlink() or not path.is_file():
        raise CannotJudge("It is no file.")
    try:
        if path.stat().st_size > LARGEST:
            raise CannotJudge("It is too large.")
        text = path.read_text("utf-8")
        cells = [*_cells(text)] if path.suffix == ".ipynb" else [text]
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise CannotJudge(f"It can't be read: {type(error).__name__}: {error}.") from error
    wrong = ""
    for cell in reversed(cells):
        try:
            names = _queues(ast.parse(cell))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            # a cell of a notebook may have IPython's own words
            if not wrong and (path.suffix == ".py" or "class " in cell):
                wrong = f"It is no Python: {type(error).__name__}: {error}."
            continue
        if names:
            return cell, _USUAL if _USUAL in names else names[-1]
    raise CannotJudge(wrong or "There is no class with put, claim and ack.")


def _queues(tree: ast.Module) -> list[str]:
    """The classes that have all methods: their own, or those of a class before them."""
    methods: dict[str, set[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            own = {getattr(part, "name", "") for part in node.body}
            own |= {
                target.id
                for part in node.body
                if isinstance(part, ast.Assign)
                for target in part.targets
                if isinstance(target, ast.Name)
            }
            bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
            methods[node.name] = own.union(*(methods.get(base, set()) for base in bases))
    return [name for name, its in methods.items() if its >= _METHODS]


def _cells(text: str) -> Iterator[str]:
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


def _digest(path: Path) -> str:
    """By which a file is known again that was changed meanwhile."""
    with suppress(OSError):
        if path.is_file():
            with path.open("rb") as file:  # of any size
                return hashlib.sha256(file.read(LARGEST + 1)).hexdigest()[:12]
    return ""
