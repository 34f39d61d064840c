"""Prints verdicts as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console

from demo_app.verification.judge.judge import Verdict
from demo_app.verification.judge.picture import svg

#: Where the picture of a failure goes; the next run replaces it.
PICTURES = Path("build") / "judge"


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
