"""``python -m celery_suite.page``: writes the last results into the broker's page.

The results are files in `build`, written by ``celery_suite``, its ``ecosystem`` and ``soak``, and
``benchmarks fleet``. A section without a file stays as it is.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.table import Table
from generated import put

from celery_suite.compare import Comparison, counted, exceptions
from celery_suite.run import CACHE, REPOSITORY, Ended

PAGE = REPOSITORY / "notebooks" / "reference" / "broker.md"
FLEET = REPOSITORY / "build" / "bench" / "fleet.json"
PROJECTS = ("celery", "kombu")


def recorded(project: str, transport: str, folder: Path) -> dict[str, Ended]:
    """Return the result of each test in the last run. If a test was rerun, the rerun counts."""
    found: dict[str, Ended] = {}
    for name in (f"{project}-{transport}.jsonl", f"{project}-{transport}-again.jsonl"):
        lines = (folder / name).read_text().splitlines() if (folder / name).exists() else []
        found |= {one.test: one for one in (Ended(**json.loads(line)) for line in lines)}
    return found


def measured(folder: Path) -> str:
    """Return the results of `celery_suite` and `soak` as Markdown, or "" if there are none.

    Args:
        folder: contains the files of results.
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
    return _on_this_machine(parts)


def fleet(bench: Path) -> str:
    """Return the tables of the benchmark `fleet` as Markdown, or "" if there are none.

    Args:
        bench: the JSON file of the benchmark.
    """
    tables = [Table(**one) for one in json.loads(bench.read_text())] if bench.exists() else []
    shown = [one.markdown().strip() for one in tables if one.title != "Measured on"]
    command = "`python -m benchmarks fleet --json build/bench/fleet.json`:"
    return _on_this_machine([command, *shown] if shown else [])


def neighbours(folder: Path) -> str:
    """Return the results of `ecosystem` as Markdown, or "" if there are none."""
    alive = [file.read_text().strip() for file in sorted(folder.glob("ecosystem-*.txt"))]
    lines = "\n".join(["```text", *alive, "```"])
    return _on_this_machine(["`python -m celery_suite.ecosystem`:", lines] if alive else [])


def _on_this_machine(parts: list[str]) -> str:
    machine = "; ".join(f"{name}: {value}" for name, value in describe().rows)
    return "\n\n".join([*parts, f"{machine}."]) if parts else ""


def main() -> None:
    sections = {"measured": measured(CACHE), "fleet": fleet(FLEET), "neighbours": neighbours(CACHE)}
    for section, found in sections.items():
        if found:
            PAGE.write_text(put(PAGE, section, found))


if __name__ == "__main__":
    main()
