"""Tables and numbers in README and the reference that are made from the code.

``python tests/generated.py`` writes them.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from readme_numbers import NUMBERS, numbered
from translated import in_japanese

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "notebooks" / "reference"
JAPANESE = ROOT / "notebooks" / "ja" / "reference"


def walk() -> str:
    """The guided walk: what `python -m demo_app walk` finds, as links."""
    from demo_app.demo.walk import HAPPENS
    from demo_app.demo.walk import walk as take_it

    rows = ["| | what happens | where |", "| ---: | --- | --- |"]
    lines = 0
    for number, station in enumerate(take_it(), 1):
        links = []
        for one in station.way:
            name = one.name.replace("<locals>.", "") or one.file.rpartition("/")[2]
            place = f"{one.first}-{one.last}"
            links.append(f"[{name} {place}]({one.file}#L{one.first}-L{one.last})")
            lines += one.last - one.first + 1
        rows.append(f"| {number} | {HAPPENS[station.step]} | {', '.join(links)} |")
    return "\n".join([*rows, "", f"{lines:,} lines in all."])


def settings() -> str:
    """Every setting of the demo app: its variable, what it sets, its default."""
    from demo_app.settings import Settings

    rows = ["| variable | what it sets | default |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, tuple | frozenset):
            default = ",".join(map(str, default))
        told = field.description or ""
        rows.append(f"| `DEMO_{name.upper()}` | {told} | {f'`{default}`' if default else ''} |")
    return "\n".join(rows)


def compared() -> str:
    """What the judge found of each queue that people use."""
    from demo_app.judge.table import markdown

    return markdown(_judged())


def score() -> str:
    """How many of the broken queues the judge catches."""
    with (ROOT / "tests" / "judge" / "mutants.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    missed = [row["what"] for row in rows if row["caught"] != "yes"]
    loads = [int(row["load"]) for row in rows]
    told = (
        f"The judge catches **{len(rows) - len(missed)} of {len(rows)}** broken queues, "
        "each at the level whose promise it breaks "
        f"({max(row['on'] for row in rows)}, at a load of {min(loads)} to {max(loads)})."
    )
    return f"{told} It misses: {'; '.join(missed)}." if missed else told


def judged() -> str:
    """The same in short."""
    from demo_app.judge.table import BACK
    from demo_app.markdown import table

    head = ("queue", "made of", "holds", BACK)
    rows = [[row[name] for name in head] for row in _judged() if row["holds"]]
    return table(head, rows, ["---", "---", ":---:", ":---:"])


def _judged() -> list[dict[str, str]]:
    """What ``python -m demo_app judge --table --csv`` wrote."""
    with (REFERENCE / "judge.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


#: Open threads about Celery on Redis: the title, a schedule of the playground, what it ends with.
THREADS = {
    "celery/celery#8568": (
        "Don't list redis as stable backend and/or link to issues/caveats",
        "late;0.comment.;3.kill.1",
        "late",
    ),
    "celery/kombu#305": ("Tasks lost in redis", "late;0.cut.1;0.comment.;1.kill.1", "lost"),
    "celery/kombu#337": (
        "Redis transport causes multiple Celery job runs if eta exceeds visibility timeout",
        "late;0.comment.;2.pause.1;3.hour.;20.pause.1",
        "twice",
    ),
    "celery/kombu#533": ("ETA tasks lost on worker TERM restart", "late;0.five.;3.kill.2", "late"),
}


def threads() -> str:
    """Each open thread with its run in the playground, and the test that shows it."""
    from demo_app.markdown import table

    tests = "tests/broker/test_known_losses.py"
    known = (ROOT / tests).read_text("utf-8")
    rows = []
    for thread, (title, schedule, end) in THREADS.items():
        name = next(re.finditer(rf"{thread}\b.*\)\s+def (test_\w+)", known))[1]
        link = f"[{thread}](https://github.com/{thread.replace('#', '/issues/')})"
        run = f"`.venv/bin/python -m pytest {tests} -k {name}`"
        rows.append([link, title, f"[{end}](../playground#{schedule})", run])
    head = ["thread", "its title", "replay: the task is", "on a real system"]
    return table(head, rows)


def translated(page: Path, name: str) -> str:
    """The table of that name on an English page, in Japanese."""
    found = _place(name).search(page.read_text("utf-8"))
    if found is None:
        raise LookupError(f"{page} has no place for the table {name}")
    return in_japanese(found[2].strip())


def walk_in_japanese() -> str:
    """The walk as the Japanese README has it, which lies in another folder."""
    return translated(ROOT / "README.md", "walk").replace("](", "](../../")


#: Where each table is, and what makes it. A Japanese one follows the English one.
TABLES: dict[str, tuple[Path, Callable[[], str]]] = {
    "walk": (ROOT / "README.md", walk),
    "ja/walk": (JAPANESE.parent / "README.md", walk_in_japanese),
    "judged": (REFERENCE / "judge.md", compared),
    "score": (REFERENCE / "judge.md", score),
    "queues": (REFERENCE / "answers.md", judged),
    "threads": (REFERENCE / "answers.md", threads),
    "settings": (REFERENCE / "reference.md", settings),
    **{
        f"ja/{name}": (JAPANESE / page, partial(translated, REFERENCE / page, name))
        for page, names in {
            "judge.md": ("score", "judged"),
            "broker.md": ("measured", "strangers"),
        }.items()
        for name in names
    },
}


def rewritten(name: str) -> str:
    """The text of the file with the table `name` as it should be.

    Raises LookupError when the file has no place for it.
    """
    path, make = TABLES[name]
    return put(path, name.rpartition("/")[2], make())


def put(path: Path, name: str, table: str) -> str:
    """The text of the file with this table between the marks of that name.

    Raises LookupError when the file has no place for it.
    """
    text, count = _place(name).subn(
        lambda found: f"{found[1]}\n{table}\n\n{found[3]}", path.read_text("utf-8")
    )
    if not count:
        raise LookupError(f"{path.name} has no place for the table {name}")
    return text


def _place(name: str) -> re.Pattern[str]:
    """The mark before the table of that name, the table, and the mark behind it."""
    return re.compile(rf"(<!-- {name}\b[^>]*-->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for table, (file, _) in TABLES.items():
        file.write_text(rewritten(table), "utf-8")
    for file in NUMBERS:
        file.write_text(numbered(file), "utf-8")
