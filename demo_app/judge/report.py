"""What the judge found: for programs, for a terminal, and as one page with the pictures."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.console import Console

from demo_app.judge.judge import Verdict
from demo_app.judge.picture import svg
from demo_app.judge.postgres import programs
from demo_app.judge.targets import PACKAGES
from demo_app.stack import redis_server

#: Where the picture of a failure goes; the next run replaces it.
PICTURES = Path("build") / "judge"


@dataclass(frozen=True, slots=True)
class Report:
    """On one target. command: repeats it."""

    target: str
    seed: int
    command: str
    verdicts: Sequence[Verdict]

    def short(self) -> dict[str, Any]:
        """What `--json` prints."""
        levels = [verdict.as_json() for verdict in self.verdicts]
        return {"target": self.target, "seed": self.seed, "levels": levels}

    def full(self) -> dict[str, Any]:
        """The same with the versions, the command, and what was late."""
        levels = [{**verdict.as_json(), "late": verdict.late} for verdict in self.verdicts]
        versions = {**libraries(self.target), **machine()}
        return {**self.short(), "levels": levels, "versions": versions, "command": self.command}

    def html(self) -> str:
        """One page that needs nothing else."""
        pictures = {
            verdict.level.number: svg(verdict.record, verdict.why)
            for verdict in self.verdicts
            if verdict.record is not None
        }
        return page("report.html", pictures=pictures, **self.full())


def page(template: str, **given: Any) -> str:
    """A template of this folder, filled in."""
    folder = FileSystemLoader(Path(__file__).parent)
    templates = Environment(loader=folder, autoescape=True, undefined=StrictUndefined)
    return templates.get_template(template).render(given)


def libraries(target: str) -> dict[str, str]:
    """The versions of what a named queue is made of."""
    found = {name: version(name) for name in PACKAGES.get(target, ("redis",))}
    if target == "procrastinate":
        told = subprocess.run([programs()[1], "--version"], capture_output=True, text=True)
        found["PostgreSQL"] = told.stdout.split()[2]
    return found


def machine() -> dict[str, str]:
    """What it ran on."""
    told = subprocess.run([redis_server.binary(), "--version"], capture_output=True, text=True)
    server = re.match(r"(\w+) server v=([\d.]+)", told.stdout)
    return {
        "Python": platform.python_version(),
        **({server[1]: server[2]} if server else {}),
        platform.system(): f"{platform.machine()}, {os.cpu_count()} cores",
    }


def told(
    console: Console, verdicts: Iterable[Verdict], *, brief: bool = False
) -> Iterator[Verdict]:
    """The verdicts again; each is printed. brief: without the history and the picture."""
    for verdict in verdicts:
        sign = "[green]holds[/]" if verdict.held else "[bold red]fails[/]"
        level = verdict.level
        console.print(f"{level.number:>2} {sign}  {level.name} ({verdict.trials} trials)")
        if not verdict.held:
            console.print(f"   {verdict.why}", markup=False, soft_wrap=True)
        if not brief:
            _tell_history(console, verdict)
        yield verdict


def _tell_history(console: Console, verdict: Verdict) -> None:
    if verdict.record is None:
        return
    for line in verdict.as_json()["history"]:
        told = f"   {line['at']:7.3f} s  {line['who']:<6} {line['what']}"
        console.print(told, markup=False, soft_wrap=True)
    path = PICTURES / f"level-{verdict.level.number:02d}.svg"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(svg(verdict.record, verdict.why), "utf-8")
        console.print(f"   The picture: {path}")
    except OSError as error:
        console.print(f"   No picture: {path} can't be written ({error.strerror}).")
