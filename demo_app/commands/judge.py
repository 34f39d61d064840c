"""``judge``: tries to make a job queue lose jobs, level by level."""

from __future__ import annotations

import json
import re
import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from rich.console import Console
from typer import Argument, BadParameter, Option

from demo_app.stack import StackError
from demo_app.verification.judge.judge import Judge, Verdict
from demo_app.verification.judge.levels import LEVELS
from demo_app.verification.judge.picture import svg
from demo_app.verification.judge.report import Report
from demo_app.verification.judge.table import markdown
from demo_app.verification.judge.target import CannotJudge
from demo_app.verification.judge.targets import NAMES, target_of

#: Where the picture of a failure goes; the next run replaces it.
PICTURES = Path("build") / "judge"


def judge(
    target: Annotated[
        str, Argument(metavar="FILE.py:CLASS|NAME", help=f"a name: {', '.join(NAMES)}")
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
    table: Annotated[
        bool, Option("--table", help="judge all that there is a name for; print Markdown")
    ] = False,
) -> int:
    """Kill, pause and cut off a queue's processes at each step, and say which promises it keeps.

    Exit status 0 if every level holds, 1 if one does not, 2 if it could not be judged. It runs the
    file's code as you: it is no sandbox.
    """
    if not target and not table:
        raise BadParameter(f"name a FILE.py:CLASS, or one of {', '.join(NAMES)}")
    wanted = _numbers(levels)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    console = Console(stderr=as_json or table, highlight=False)
    try:
        if table:
            found = {name: _judge(console, name, list(LEVELS), seed, seconds) for name in NAMES}
            print(markdown(found, seed))
            return 0
        verdicts = _judge(console, target, wanted, seed, seconds)
    except (CannotJudge, StackError) as error:
        console.print(str(error), markup=False)
        return 2
    words = [target, "--levels", levels, "--seed", str(seed), "--seconds", f"{seconds:g}"]
    report = Report(
        target, seed, shlex.join(["python", "-m", "demo_app", "judge", *words]), verdicts
    )
    try:
        if json_file:
            json_file.write_text(json.dumps(report.full(), indent=1) + "\n", "utf-8")
        if html:
            html.write_text(report.html(), "utf-8")
    except OSError as error:
        console.print(f"{error.filename} can't be written ({error.strerror}).", markup=False)
        return 2
    if as_json:
        print(json.dumps(report.short()))
    return 0 if all(verdict.held for verdict in verdicts) else 1


def _judge(
    console: Console, target: str, levels: list[int], seed: int, seconds: float
) -> list[Verdict]:
    console.print(f"{target}, seed {seed}", markup=False)
    with Judge(target_of(target), seed, seconds) as judged:
        return list(_shown(console, judged.judge(levels)))


def _shown(console: Console, verdicts: Iterator[Verdict]) -> Iterator[Verdict]:
    for verdict in verdicts:
        sign = "[green]holds[/]" if verdict.held else "[bold red]fails[/]"
        level = verdict.level
        console.print(f"{level.number:>2} {sign}  {level.name} ({verdict.trials} trials)")
        if verdict.record is not None:
            console.print(f"   {verdict.why}", markup=False)
            for line in verdict.as_json()["history"]:
                told = f"   {line['at']:7.3f} s  {line['who']:<6} {line['what']}"
                console.print(told, markup=False, soft_wrap=True)
            path = PICTURES / f"level-{level.number:02d}.svg"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(svg(verdict.record, verdict.why), "utf-8")
                console.print(f"   The picture: {path}")
            except OSError as error:
                console.print(f"   No picture: {path} can't be written ({error.strerror}).")
        yield verdict


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
