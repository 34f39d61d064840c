"""What people use, side by side: a row for each queue."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from demo_app.judge.costs import AFTER_A_KILL, COMMANDS, costs, format_cost
from demo_app.judge.judge import PATIENCE, Verdict
from demo_app.judge.sheet import SIGNS
from demo_app.judge.targets import versions
from demo_app.markdown import plain
from demo_app.markdown import table as as_table
from demo_app.stack import redis_server

BACK = "a killed worker's job runs again after"


def head(levels: Iterable[int]) -> list[str]:
    """Of a row, for a sheet."""
    found = ["queue", "made of", *map(str, levels), "holds", BACK, COMMANDS]
    return [*found, "lost and late", "told", "how"]


def row(name: str, verdicts: Sequence[Verdict], command: str, minutes: float) -> list[str]:
    """Of a queue that was judged by the command."""
    made_of = ", ".join(f"{package} {told}" for package, told in versions(name).items())
    held = [verdict.held is True for verdict in verdicts]
    # where a level holds, a job may be late: a worker that sleeps for 5 s is no failure
    failed = [verdict for verdict in verdicts if verdict.held is False]
    lost, late = (sum(verdict.count(what) for verdict in failed) for what in ("lost", "late"))
    told = "; ".join(f"level {verdict.level.number}: {verdict.why.rstrip('.')}"
                     for verdict in verdicts if verdict.why)  # fmt: skip
    on = ", ".join(f"{what} {told}" for what, told in machine().items())
    return [
        name,
        made_of,
        *(SIGNS[verdict.held] for verdict in verdicts),
        f"{sum(held)} of {len(held)}",
        next((_back(v) for v in verdicts if v.level.number == AFTER_A_KILL), ""),
        format_cost(costs(verdicts)[COMMANDS]),
        f"{lost} and {late} of {sum(verdict.count('put') for verdict in verdicts)}",
        told,
        f"`{command}`, {date.today()}, {minutes:.0f} minutes at a load of "
        f"{os.getloadavg()[1]:.0f}; {on}",
    ]


def _back(verdict: Verdict) -> str:
    if seconds := max(trial.record.back for trial in verdict.trials):
        return f"{seconds:.1f} s"
    if verdict.held is None:
        return "not asked"
    return "never" if verdict.count("lost") else f"more than {PATIENCE:.0f} s"


def markdown(rows: Iterable[Mapping[str, str]]) -> str:
    """The rows of a sheet as a table, and under it what each queue is, and what does not hold."""
    rows = [{name: plain(cell) for name, cell in row.items()} for row in rows]
    shown = [name for name in rows[0] if name not in ("made of", "told", "how")]
    rule = ["---", *(":---:" for _ in shown[1:])]
    told = [
        f"- **{row['queue']}**: "
        + ". ".join(filter(None, (row[what] for what in ("made of", "told", "how"))))
        for row in rows
    ]
    return "\n".join([as_table(shown, ([row[name] for name in shown] for row in rows), rule),
                      "", *told])  # fmt: skip


def machine() -> dict[str, str]:
    """What it ran on."""
    told = subprocess.run([redis_server.binary(), "--version"], capture_output=True, text=True)
    server = re.match(r"(\w+) server v=([\d.]+)", told.stdout)
    return {
        "Python": platform.python_version(),
        **({server[1]: server[2]} if server else {}),
        platform.system(): f"{platform.machine()}, {os.cpu_count()} cores",
    }
