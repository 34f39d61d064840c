"""The command ``judge``: tries to make a job queue lose jobs, level by level."""

import json
import re
import secrets
from typing import Annotated

from rich.console import Console
from typer import Argument, BadParameter, Option

from demo_app.judge.judge import AT_RANDOM, Judge, Verdict
from demo_app.judge.levels import LEVELS
from demo_app.judge.targets import KNOWN, CannotJudge, target_of
from demo_app.shared.escape import escape_invisible
from demo_app.stack import StackError

_SIGNS = {True: "[green]holds[/]", False: "[bold red]fails[/]", None: "[yellow]not tested[/]"}


def judge(
    target: Annotated[
        str,
        Argument(
            metavar="FILE.py:CLASS|celery:MODULE:APP|command:COMMAND|NAME",
            help=f"a class, a Celery app, a program, or one of the names {', '.join(KNOWN)}",
        ),
    ],
    levels: Annotated[str, Option(metavar="1-12", help="such as 5, or 1-4,9")] = "1-12",
    seed: Annotated[int | None, Option(help="[default: a new one, which is printed]")] = None,
    seconds: Annotated[
        float,
        Option(min=0, metavar="S", help="seconds of random faults at each of levels 5, 10 and 12"),
    ] = AT_RANDOM,
    as_json: Annotated[bool, Option("--json", help="end with one JSON object")] = False,
) -> int:
    """Kill, pause and cut off a queue's processes at each step, and report the kept promises.

    Exit status 0 if every level holds, 1 if a level does not hold or could not be tested, 2 if the
    queue could not be judged. The judge runs the target's code with your rights.
    """
    numbers = _numbers(levels)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    console = Console(stderr=as_json, highlight=False)
    console.print(f"{target}, seed {seed}", markup=False)
    console.print("Warning: the judge runs the code of this target as you.")
    try:
        with Judge(target_of(target), seed, seconds) as judging:
            verdicts = []
            for verdict in judging.judge(numbers):
                verdicts.append(verdict)
                _print(console, verdict)
    except (CannotJudge, StackError) as error:
        console.print(escape_invisible(error), markup=False, soft_wrap=True)
        return 2
    if as_json:
        shown_levels = [verdict.as_json() for verdict in verdicts]
        print(json.dumps({"target": target, "seed": seed, "levels": shown_levels}))
    return 0 if all(verdict.held for verdict in verdicts) else 1


def _print(console: Console, verdict: Verdict) -> None:
    number, name, trials = verdict.level.number, verdict.level.name, len(verdict.trials)
    console.print(f"{number:>2} {_SIGNS[verdict.held]}  {name} ({trials} trials)")
    lines = [verdict.why] * (not verdict.held)
    for line in verdict.as_json()["history"]:
        lines.append(f"{line['at']:7.3f} s  {line['who']:<6} {line['what']}")
    for text in lines:  # a learner's text may contain control characters
        console.print(f"   {escape_invisible(text)}", markup=False, soft_wrap=True)


def _numbers(text: str) -> list[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,3})(?:-(\d{1,3}))?\s*", part)
        levels = range(int(match[1]), int(match[2] or match[1]) + 1) if match else ()
        if not levels:
            raise BadParameter(
                f"{text!r} is not a list of levels such as 1-4,9", param_hint="--levels"
            )
        found.update(levels)
    if not found <= set(LEVELS):
        raise BadParameter(f"levels are numbers from 1 to {len(LEVELS)}", param_hint="--levels")
    return sorted(found)
