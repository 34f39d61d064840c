"""``judge``: tries to make a job queue lose jobs, level by level."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

from rich.console import Console
from typer import Argument, BadParameter, Option

from demo_app.judge import grade, lessons, table
from demo_app.judge.judge import Judge
from demo_app.judge.levels import LEVELS
from demo_app.judge.report import Report, told
from demo_app.judge.target import CannotJudge
from demo_app.judge.targets import NAMES, target_of
from demo_app.stack import StackError


def judge(
    target: Annotated[
        str,
        Argument(metavar="FILE.py:CLASS|command:COMMAND|NAME", help=f"a name: {', '.join(NAMES)}"),
    ] = "",
    levels: Annotated[str, Option(metavar="1-12", help="such as 5, or 1-4,9")] = "1-12",
    seed: Annotated[int | None, Option(help="[default: a new one, which is printed]")] = None,
    seconds: Annotated[
        float, Option(min=0, metavar="S", help="for faults at random, for each level")
    ] = 10.0,
    as_json: Annotated[bool, Option("--json", help="end with one JSON object")] = False,
    json_file: Annotated[Path | None, Option(metavar="FILE", help="write more of it there")] = None,
    html: Annotated[
        Path | None, Option(metavar="FILE", help="write one page with the pictures")
    ] = None,
    all_names: Annotated[
        bool, Option("--table", help="judge all that there is a name for; print Markdown")
    ] = False,
    against: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="with --table: a table of before; exit status 1 if a verdict is another one",
        ),
    ] = None,
    hand_ins: Annotated[
        Path | None,
        Option(
            "--grade",
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="judge the class in each notebook and .py file there, and read each hand-in of "
            "lessons (.json); print Markdown",
        ),
    ] = None,
    minutes: Annotated[
        float, Option(min=0.1, metavar="M", help="with --grade: at most, for each file")
    ] = 10.0,
    markdown: Annotated[
        Path | None,
        Option(metavar="FILE", help="write that into a new file, or between its marks"),
    ] = None,
    csv: Annotated[Path | None, Option(metavar="FILE", help="with --grade: for a sheet")] = None,
) -> int:
    """Kill, pause and cut off a queue's processes at each step, and say which promises it keeps.

    Exit status 0 if every level holds, 1 if one does not, 2 if it could not be judged. It runs the
    file's code as you: it is no sandbox.
    """
    if [bool(target), all_names, bool(hand_ins)].count(True) != 1:
        known = ", ".join(NAMES)
        raise BadParameter(f"name a FILE.py:CLASS, or one of {known}; or --table, or --grade")
    if markdown and not table.has_place(markdown):
        raise BadParameter(f"{markdown} has no marks <!-- judge --> and <!-- /judge -->")
    before = against.read_text("utf-8") if against else ""  # it may be the file to be written
    if against and not (all_names and table.columns(before)):
        raise BadParameter(f"with --table, and {against} needs a table of the judge")
    wanted = _numbers(levels)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    console = Console(stderr=as_json or not target, highlight=False)
    arguments = ["--levels", levels, "--seed", str(seed), "--seconds", f"{seconds:g}"]
    try:
        if not target:
            text = (
                _graded(console, hand_ins, wanted, arguments, minutes * 60, csv)
                if hand_ins
                else _compared(console, wanted, seed, seconds, ["--table", *arguments])
            )
            print(text)
            if markdown:
                table.write(markdown, text)
            changes = table.differences(before, text) if before else []
            for change in changes:
                console.print(change, markup=False, soft_wrap=True)
            return 1 if changes else 0
        console.print(f"{target}, seed {seed}", markup=False)
        with Judge(target_of(target), seed, seconds) as court:
            verdicts = list(told(console, court.judge(wanted)))
        report = Report(target, seed, _command([target, *arguments]), verdicts)
        if json_file:
            json_file.write_text(json.dumps(report.full(), indent=1) + "\n", "utf-8")
        if html:
            html.write_text(report.html(), "utf-8")
    except (CannotJudge, StackError) as error:
        console.print(str(error), markup=False)
        return 2
    except OSError as error:
        if error.filename not in map(str, (json_file, html, markdown, csv)):
            raise
        console.print(f"{error.filename} can't be written ({error.strerror}).", markup=False)
        return 2
    if as_json:
        print(json.dumps(report.short()))
    return 0 if all(verdict.held for verdict in verdicts) else 1


def _compared(
    console: Console, levels: list[int], seed: int, seconds: float, arguments: Sequence[str]
) -> str:
    """The table of all targets."""
    found: dict[str, table.Told] = {}
    began, load = time.monotonic(), os.getloadavg()[0]
    for name in NAMES:
        console.print(f"{name}, seed {seed}", markup=False)
        try:
            with Judge(target_of(name), seed, seconds) as court:
                found[name] = list(told(console, court.judge(levels), brief=True))
        except CannotJudge as error:
            console.print(str(error), markup=False)
            found[name] = str(error).removeprefix("There is ").removesuffix(".")
    names = {number: LEVELS[number].name for number in levels}
    minutes, after = (time.monotonic() - began) / 60, os.getloadavg()[0]
    how = (
        f"{date.today().isoformat()}, seed {seed}. It took {minutes:.0f} minutes; the machine's "
        f"load was {load:.1f} before and {after:.1f} after. "
        f"To repeat it: `{_command(arguments)}`."
    )
    return table.markdown(found, names, how)


def _graded(
    console: Console,
    folder: Path,
    levels: list[int],
    arguments: Sequence[str],
    seconds: float,
    csv: Path | None,
) -> str:
    """The tables of all hand-ins: queues, and lessons. Raises CannotJudge when there are none."""
    grades, answered = [], lessons.lessons(folder)
    for path in grade.hand_ins(folder):
        grades.append(grade.grade(path, arguments, seconds))
        held = sum(grades[-1].held.values())
        console.print(f"{path.name}: {held} of {len(levels)} levels hold", markup=False)
    if not grades and not answered:
        raise CannotJudge(f"There is no notebook, no .py file and no hand-in in {folder}.")
    parts = []
    if grades:
        parts.append((grade.markdown(grades, levels), grade.as_csv(grades, levels), csv))
    if answered:
        beside = csv.with_stem(f"{csv.stem}-lessons") if csv and grades else csv
        parts.append((lessons.markdown(answered), lessons.as_csv(answered), beside))
    for _, sheet, where in parts:
        if where:
            where.write_text(sheet, "utf-8")
    return "\n\n".join(text for text, _, _ in parts)


def _command(arguments: Sequence[str]) -> str:
    return shlex.join(["python", "-m", "demo_app", "judge", *arguments])


def _numbers(text: str) -> list[int]:
    """The levels of ``1-4,9``. Raises BadParameter."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if match is None:
            raise BadParameter(f"{text!r} is no list of levels", param_hint="--levels")
        found.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    if not found or not found <= set(LEVELS):
        raise BadParameter(f"the levels are 1 to {len(LEVELS)}", param_hint="--levels")
    return sorted(found)
