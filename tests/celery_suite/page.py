"""``python -m celery_suite.page``: what was measured last goes into the broker's page.

It reads what ``celery_suite``, its ``hostile``, ``ecosystem`` and ``soak``, and ``benchmarks
broker`` have left in ``build``. A section of which nothing was run stays as it is.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.table import Table
from generated import put

from celery_suite.compare import Comparison, counted, exceptions
from celery_suite.hostile import ENDED, Outcome
from celery_suite.run import CACHE, REPOSITORY, Ended
from demo_app.markdown import table

PAGE = REPOSITORY / "notebooks" / "reference" / "broker.md"
BENCH = REPOSITORY / "build" / "bench" / "last.json"
PROJECTS = ("celery", "kombu")


def recorded(project: str, transport: str, folder: Path) -> dict[str, Ended]:
    """How each test ended in the last run; a second try counts."""
    found: dict[str, Ended] = {}
    for name in (f"{project}-{transport}.jsonl", f"{project}-{transport}-again.jsonl"):
        lines = (folder / name).read_text().splitlines() if (folder / name).exists() else []
        found |= {one.test: one for one in (Ended(**json.loads(line)) for line in lines)}
    return found


def hostile(file: Path) -> str:
    """Return what became of the hostile messages: a row of counts for each transport."""
    read = json.loads(file.read_text())
    found = {name: [Outcome(**one) for one in outcomes] for name, outcomes in read.items()}
    counts = {
        "messages": len,
        "the job behind was done": lambda all: sum(one.behind == "done" for one in all),
        "the message came to an end": lambda all: sum(one.ended in ENDED for one in all),
        "workers that ended": lambda all: sum(one.ended_workers for one in all),
    }
    rows = [[name, *(str(count(all)) for count in counts.values())] for name, all in found.items()]
    return table(["", *counts], rows, ["---", *("---:" for _ in counts)])


def measured(folder: Path, bench: Path) -> str:
    """All that the page says of the last runs, as Markdown.

    folder: what the suite and the soak have left. bench: what the benchmarks have.
    """
    parts: list[str] = []
    compared = [
        Comparison(project, stock, claims, exceptions(project))
        for project in PROJECTS
        if (stock := recorded(project, "stock", folder))
        and (claims := recorded(project, "claims", folder))
    ]
    if compared:
        parts += ["`make celery-suite`:", counted(compared)]
    if (soak := folder / "soak.txt").exists():
        parts += [f"`python -m celery_suite.soak`:\n\n```text\n{soak.read_text().strip()}\n```"]
    tables = [Table(**one) for one in json.loads(bench.read_text())] if bench.exists() else []
    shown = [one.markdown().strip() for one in tables if one.title.startswith("Jobs that do")]
    if shown:
        parts += ["`python -m benchmarks broker`:", *shown]
    return _on_this_machine(parts)


def strangers(folder: Path) -> str:
    """What the page says of hostile messages, and of what others have made for Celery."""
    parts: list[str] = []
    for file in sorted(folder.glob("hostile-*.json")):
        pool = file.stem.partition("-")[2]
        parts += [f"`python -m celery_suite.hostile --pool {pool}`:", hostile(file)]
    alive = [file.read_text().strip() for file in sorted(folder.glob("ecosystem-*.txt"))]
    if alive:
        parts += ["`python -m celery_suite.ecosystem`:", "\n".join(["```text", *alive, "```"])]
    return _on_this_machine(parts)


def _on_this_machine(parts: list[str]) -> str:
    told = "; ".join(f"{name}: {told}" for name, told in describe().rows)
    return "\n\n".join([*parts, f"{told}."]) if parts else ""


def main() -> None:
    """Write the page; a section of which nothing was run stays as it is."""
    sections = {"measured": measured(CACHE, BENCH), "strangers": strangers(CACHE)}
    for section, found in sections.items():
        if found:
            PAGE.write_text(put(PAGE, section, found))


if __name__ == "__main__":
    main()
