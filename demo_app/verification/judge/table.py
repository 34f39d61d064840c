"""What people use, side by side: which levels hold, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from demo_app.verification.judge.judge import Verdict
from demo_app.verification.judge.report import libraries, machine
from demo_app.verification.judge.target import CannotJudge

#: For each target its verdicts, or why there are none.
Told = Sequence[Verdict] | str
Found = Mapping[str, Told]

_PLACE = re.compile(r"(<!-- judge\b[^>]*-->\n).*?(<!-- /judge -->)", re.DOTALL)


def markdown(found: Found, levels: Mapping[int, str], how: str) -> str:
    """A table of the levels, and under it a sentence for each that does not hold.

    levels: their names by their numbers. how: it was measured.
    """
    lines = [line(["level", *map(_titled, found)]), line(["---", *(":---:" for _ in found)])]
    for row, (number, name) in enumerate(levels.items()):
        cells = [told if isinstance(told, str) else _cell(told[row]) for told in found.values()]
        lines.append(line([f"{number}. {name}", *cells]))
    reasons = [
        f"- **{name}, level {verdict.level.number}**: {verdict.why}"
        for name, verdicts in found.items()
        for verdict in verdicts
        if isinstance(verdict, Verdict) and not verdict.held
    ]
    where = ", ".join(f"{name} {told}" for name, told in machine().items())
    return "\n".join([*lines, "", f"{where}. {how}", "", *reasons]).rstrip()


def has_place(path: Path) -> bool:
    """Whether a table can be written there: into a new file, or between the file's marks."""
    return not path.exists() or bool(_PLACE.search(path.read_text("utf-8")))


def write(path: Path, table: str) -> None:
    """Write the table between the file's marks, or as a new file."""
    if path.exists():
        text = path.read_text("utf-8")
        table = _PLACE.sub(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", text)
    path.write_text(table.rstrip("\n") + "\n", "utf-8")


def line(cells: Sequence[str]) -> str:
    """A row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _titled(name: str) -> str:
    if name == "claims":
        return "this project"
    try:
        return ", ".join(f"{package} {version}" for package, version in libraries(name).items())
    except (PackageNotFoundError, CannotJudge):
        return name


def _cell(verdict: Verdict) -> str:
    if verdict.held:
        return "holds"
    counts = {"lost": verdict.lost, "late": verdict.late}
    told = [f"{count} of {verdict.jobs} {name}" for name, count in counts.items() if count]
    return ", ".join(["**no**", *told])
