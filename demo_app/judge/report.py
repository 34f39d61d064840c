"""What the judge found, for a terminal, with the pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console

from demo_app.judge.costs import costs, format_cost
from demo_app.judge.judge import Verdict
from demo_app.judge.picture import svg
from local_smtp.escape import escape_invisible

#: Where the pictures of failures go, in a folder for each run.
PICTURES = Path("build") / "judge"
_SIGNS = {True: "[green]holds[/]", False: "[bold red]fails[/]", None: "[yellow]not asked[/]"}


def told(console: Console, verdicts: Iterable[Verdict], run: str) -> Iterator[Verdict]:
    """Print each verdict, and yield it. run: the name of the folder of the pictures."""
    name = re.sub(r"[^\w.-]+", "-", run)[-60:]
    folder = PICTURES / f"{datetime.now():%Y%m%d-%H%M%S}-{name}"
    for verdict in verdicts:
        level = verdict.level
        console.print(f"{level.number:>2} {_SIGNS[verdict.held]}  {level.name} "
                      f"({len(verdict.trials)} trials)")  # fmt: skip
        if not verdict.held:
            _tell(console, verdict.why)
        _tell_history(console, verdict, folder)
        yield verdict


def tell_costs(console: Console, verdicts: Sequence[Verdict]) -> None:
    """Print what the queue costs, as far as the levels showed it."""
    found = costs(verdicts)
    if any(found.values()):
        console.print("What it costs, which is no promise:")
        for name, figure in found.items():
            console.print(f"   {format_cost(figure)} {name}")


def _tell(console: Console, words: str) -> None:
    """A line of its own. It may be a learner's, and no terminal obeys it."""
    console.print(f"   {escape_invisible(words)}", markup=False, soft_wrap=True)


def _tell_history(console: Console, verdict: Verdict, folder: Path) -> None:
    if not (failure := verdict.failure):
        return
    for line in verdict.as_json()["history"]:
        _tell(console, f"{line['at']:7.3f} s  {line['who']:<6} {line['what']}")
    path = folder / f"level-{verdict.level.number:02d}.svg"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(svg(failure.record, failure.why), "utf-8")
        console.print(f"   The picture: {path}", soft_wrap=True)
    except OSError as error:
        console.print(f"   No picture: {path} can't be written ({error.strerror}).")
