"""``judge``: tries to make a job queue lose jobs, level by level."""

from __future__ import annotations

import json
import re
import secrets
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from rich.console import Console
from typer import Argument, BadParameter, Option

from demo_app.judge import table
from demo_app.judge.judge import AT_RANDOM, Judge, Verdict
from demo_app.judge.levels import LEVELS
from demo_app.judge.report import tell_costs, told
from demo_app.judge.sheet import Sheet
from demo_app.judge.target import CannotJudge
from demo_app.judge.targets import KNOWN, target_of
from demo_app.stack import StackError
from local_smtp.escape import escape_invisible


def judge(
    targets: Annotated[
        list[str] | None,
        Argument(
            metavar="FILE.py:CLASS|celery:MODULE:APP|command:COMMAND|NAME",
            help=f"a name: {', '.join(KNOWN)}; several with --table",
        ),
    ] = None,
    levels: Annotated[str, Option(metavar="1-12", help="such as 5, or 1-4,9")] = "1-12",
    seed: Annotated[int | None, Option(help="[default: a new one, which is printed]")] = None,
    seconds: Annotated[
        float, Option(min=0, metavar="S", help="for faults at random, for each level")
    ] = AT_RANDOM,
    as_json: Annotated[bool, Option("--json", help="end with one JSON object")] = False,
    as_table: Annotated[
        bool, Option("--table", help="judge these, or all that have a name; print Markdown")
    ] = False,
    csv: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="with --table: write the rows there, too",
        ),
    ] = None,
) -> int:
    """Kill, pause and cut off a queue's processes at each step, and say which promises it keeps.

    Exit status 0 if every level holds, 1 if one does not, 2 if it could not be judged. The judge
    runs the code of the target as you.
    """
    targets = targets or []
    if len(targets) != 1 and not as_table:
        raise BadParameter(f"name a FILE.py:CLASS, or one of {', '.join(KNOWN)}; or --table")
    wanted = _numbers(levels)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    target = "" if as_table else targets[0]
    console = Console(stderr=as_json or not target, highlight=False)
    arguments = ["--levels", levels, "--seed", str(seed), "--seconds", f"{seconds:g}"]
    try:
        if not target:
            print(_compared(console, targets or [*KNOWN], wanted, seed, seconds, arguments, csv))
            return 0
        console.print(f"{target}, seed {seed}", markup=False)
        began = time.monotonic()
        console.print("Warning: the judge runs the code of this target as you.")
        with Judge(found := target_of(target), seed, seconds) as judging:
            verdicts = list(told(console, judging.judge(wanted), target))
        tell_costs(console, verdicts)
        if found.trusted:  # as it would be in the table
            row = _row(target, verdicts, arguments, began)
            shown = table.markdown([dict(zip(table.head(wanted), row, strict=True))])
            console.print(shown, markup=False, soft_wrap=True)
    except (CannotJudge, StackError) as error:
        console.print(escape_invisible(error), markup=False, soft_wrap=True)
        return 2
    except OSError as error:
        if error.filename != str(csv):
            raise
        console.print(f"{error.filename} can't be written ({error.strerror}).", markup=False)
        return 2
    if as_json:
        shown_levels = [verdict.as_json() for verdict in verdicts]
        ending = {"target": target, "seed": seed, "levels": shown_levels}
        print(json.dumps(ending))
    return 0 if all(verdict.held for verdict in verdicts) else 1


def _compared(
    console: Console,
    targets: Sequence[str],
    levels: list[int],
    seed: int,
    seconds: float,
    arguments: Sequence[str],
    csv: Path | None,
) -> str:
    """Judge these queues, and return the table of them."""
    sheet = Sheet(head := table.head(levels), csv)
    for name in targets:
        console.print(f"{name}, seed {seed}", markup=False)
        began = time.monotonic()
        try:
            with Judge(target_of(name), seed, seconds) as judging:
                verdicts = list(told(console, judging.judge(levels), brief=True))
            sheet.add(_row(name, verdicts, arguments, began))
        except CannotJudge as error:
            console.print(str(error), markup=False)
            sheet.add([name, str(error).rstrip("."), *("" for _ in head[2:])])
    return table.markdown(dict(zip(head, row, strict=True)) for row in sheet.rows)


def _row(
    name: str, verdicts: Sequence[Verdict], arguments: Sequence[str], began: float
) -> list[str]:
    command = shlex.join(["python", "-m", "demo_app", "judge", name, *arguments])
    return table.row(name, verdicts, command, (time.monotonic() - began) / 60)


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
