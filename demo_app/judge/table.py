"""What people use, side by side: which levels hold, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from demo_app.judge.judge import PATIENCE, Verdict
from demo_app.judge.report import libraries, machine
from demo_app.judge.target import CannotJudge
from demo_app.markdown import table as as_table

#: For each target its verdicts, or why there are none.
Told = Sequence[Verdict] | str
Found = Mapping[str, Told]

#: The level at which a worker is killed in its job, and another is ready.
_AFTER_A_KILL = 6

_PLACE = re.compile(r"(<!-- judge\b[^>]*-->\n).*?(<!-- /judge -->)", re.DOTALL)


def markdown(found: Found, levels: Mapping[int, str], how: str) -> str:
    """A table of the levels, and under it a sentence for each that does not hold.

    levels: their names by their numbers. how: it was measured.
    """
    rows = []
    for row, (number, name) in enumerate(levels.items()):
        cells = [told if isinstance(told, str) else _cell(told[row]) for told in found.values()]
        rows.append([f"{number}. {name}", *cells])
    for name, cell in _SUMS.items():
        cells = ["" if isinstance(told, str) else cell(told) for told in found.values()]
        rows.append([name, *cells])
    table = as_table(["level", *map(_titled, found)], rows, ["---", *(":---:" for _ in found)])
    reasons = [
        f"- **{_short(name)}, level {verdict.level.number}**: {verdict.why}"
        for name, verdicts in found.items()
        for verdict in verdicts
        if isinstance(verdict, Verdict) and not verdict.held
    ]
    where = ", ".join(f"{name} {told}" for name, told in machine().items())
    return "\n".join([table, "", f"{where}. {how}", "", *reasons]).rstrip()


def columns(text: str) -> dict[str, dict[str, str]]:
    """The cells of a table that `markdown` wrote, of each column by the names of their rows.

    text: the table, or a page with it between the marks; without one there are no columns.
    """
    found = _PLACE.search(text)
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        for row in (found[0] if found else text).splitlines()
        if row.startswith("| ")
    ]
    head, body = (rows[0], rows[2:]) if rows and rows[0][0] == "level" else ([], [])
    return {
        name: {row[0]: row[number] for row in body} for number, name in enumerate(head) if number
    }


def has_place(path: Path) -> bool:
    """Whether a table can be written there: into a new file, or between the file's marks."""
    return not path.exists() or bool(_PLACE.search(path.read_text("utf-8")))


def write(path: Path, table: str) -> None:
    """Write the table between the file's marks, or as a new file."""
    if path.exists():
        text = path.read_text("utf-8")
        table = _PLACE.sub(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", text)
    path.write_text(table.rstrip("\n") + "\n", "utf-8")


def _titled(name: str) -> str:
    if name == "claims":
        return "this project"
    try:
        made_of = ", ".join(f"{package} {told}" for package, told in libraries(name).items())
        return made_of if made_of.startswith(f"{name} ") else f"{_short(name)}: {made_of}"
    except (PackageNotFoundError, CannotJudge):
        return name


def _short(name: str) -> str:
    """A Celery app is known by its own name, without its module's."""
    return name.rpartition(":")[2]


def _lost_and_late(verdicts: Sequence[Verdict]) -> str:
    # where a level holds, a job may be late: a worker that sleeps for 5 s is no failure
    failed = [verdict for verdict in verdicts if not verdict.held]
    lost, late = (sum(getattr(verdict, what) for verdict in failed) for what in ("lost", "late"))
    return f"{lost} and {late} of {sum(verdict.jobs for verdict in verdicts)}"


def _back(verdicts: Sequence[Verdict]) -> str:
    for verdict in verdicts:
        if verdict.level.number == _AFTER_A_KILL:
            if verdict.back:
                return f"{verdict.back:.1f} s"
            return "never" if verdict.lost else f"more than {PATIENCE:.0f} s"
    return ""


#: Rows under the levels: what they are called, and their cell for a target's verdicts.
_SUMS: dict[str, Callable[[Sequence[Verdict]], str]] = {
    "lost and late, of all jobs": _lost_and_late,
    "a killed worker's job runs again after": _back,
}


def _cell(verdict: Verdict) -> str:
    if verdict.held is not False:
        return "holds" if verdict.held else "not asked"
    counts = {"lost": verdict.lost, "late": verdict.late}
    told = [f"{count} of {verdict.jobs} {name}" for name, count in counts.items() if count]
    return ", ".join(["**no**", *told])
