"""What the judge found, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console

from demo_app.judge.judge import Verdict
from demo_app.shared.escape import escape_invisible

_SIGNS = {True: "[green]holds[/]", False: "[bold red]fails[/]", None: "[yellow]not asked[/]"}


def told(console: Console, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Print each verdict, and yield it."""
    for verdict in verdicts:
        level = verdict.level
        console.print(f"{level.number:>2} {_SIGNS[verdict.held]}  {level.name} "
                      f"({len(verdict.trials)} trials)")  # fmt: skip
        if not verdict.held:
            _tell(console, verdict.why)
        _tell_history(console, verdict)
        yield verdict


def _tell(console: Console, words: str) -> None:
    """A line of its own. It may be a learner's, and no terminal obeys it."""
    console.print(f"   {escape_invisible(words)}", markup=False, soft_wrap=True)


def _tell_history(console: Console, verdict: Verdict) -> None:
    for line in verdict.as_json()["history"]:
        _tell(console, f"{line['at']:7.3f} s  {line['who']:<6} {line['what']}")
