"""What people use, side by side: which levels hold, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from demo_app.verification.judge.judge import Verdict
from demo_app.verification.judge.levels import LEVELS

Verdicts = Mapping[str, Sequence[Verdict]]


def markdown(found: Verdicts, seed: int) -> str:
    """A table of the levels, and under it a sentence for each that does not hold."""
    names = list(found)
    lines = [_line(["level", *map(_titled, names)]), _line(["---", *(":---:" for _ in names)])]
    for number, level in LEVELS.items():
        cells = [_cell(found[name][number - 1]) for name in names]
        lines.append(_line([f"{number}. {level.name}", *cells]))
    reasons = [
        f"- **{name}, level {verdict.level.number}**: {verdict.why}"
        for name in names
        for verdict in found[name]
        if not verdict.held
    ]
    return "\n".join([*lines, "", f"Seed {seed}.", "", *reasons])


def _titled(name: str) -> str:
    return "this project" if name == "claims" else f"{name} {version(name)}"


def _cell(verdict: Verdict) -> str:
    if verdict.held:
        return "holds"
    counts = {"lost": verdict.lost, "late": verdict.late}
    told = [f"{count} of {verdict.jobs} {name}" for name, count in counts.items() if count]
    return ", ".join(["**no**", *told])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
