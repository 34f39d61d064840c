"""``python -m celery_suite.page``: what was measured last goes into the broker's page.

It reads what ``celery_suite``, ``celery_suite.soak`` and ``benchmarks broker`` have left in
``build``. A part that was not run is left out.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from benchmarks.table import Table

from celery_suite.compare import Comparison, exceptions
from celery_suite.run import CACHE, REPOSITORY, Ended
from demo_app.judge.report import machine
from demo_app.markdown import table

PAGE = REPOSITORY / "notebooks" / "reference" / "broker.md"
BENCH = REPOSITORY / "build" / "bench" / "last.json"
PROJECTS = ("celery", "kombu")
_PLACE = re.compile(r"(<!-- measured\b[^>]*-->\n).*?(<!-- /measured -->)", re.DOTALL)


def recorded(project: str, transport: str, folder: Path) -> dict[str, Ended]:
    """How each test ended in the last run; a second try counts."""
    found: dict[str, Ended] = {}
    for name in (f"{project}-{transport}.jsonl", f"{project}-{transport}-again.jsonl"):
        lines = (folder / name).read_text().splitlines() if (folder / name).exists() else []
        found |= {one.test: one for one in (Ended(**json.loads(line)) for line in lines)}
    return found


def suites(compared: list[Comparison]) -> str:
    """Celery's and kombu's own tests, counted, and the reasons of those that need not pass."""
    columns = ["integration tests of", "stock passes", "claims passes", "only claims passes"]
    columns += ["only stock, explained below", "only stock, unexplained"]
    rows = []
    for one in compared:
        passed = [
            sum(ended.outcome == "passed" for ended in results.values())
            for results in (one.stock, one.claims)
        ]
        told = [len(one.ahead()), len(one.excepted()), len(one.unexplained())]
        rows.append([f"{one.project} {version(one.project)}", *map(str, passed + told)])
    counted = table(columns, rows, ["---", *("---:" for _ in columns[1:])])
    return "\n".join([counted, "", *_reasons(compared)])


def _reasons(compared: list[Comparison]) -> Iterator[str]:
    for one in compared:
        named = Counter((test.partition("[")[0], one.reason(test)) for test in one.excepted())
        for (test, reason), times in named.items():
            yield f"- `{test.partition('::')[2]}`, {times} ×: {reason}."


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
        parts += ["`make celery-suite`:", suites(compared)]
    soaks = [file.read_text().strip() for file in sorted(folder.glob("soak-*.txt"))]
    if soaks:
        parts += ["`python -m celery_suite.soak`:", "\n".join(["```text", *soaks, "```"])]
    tables = [Table(**one) for one in json.loads(bench.read_text())] if bench.exists() else []
    shown = [one.markdown().strip() for one in tables if one.title.startswith("Jobs that do")]
    if shown:
        parts += ["`python -m benchmarks broker`:", *shown]
    return "\n\n".join(
        [*parts, ", ".join(f"{name} {told}" for name, told in machine().items()) + "."]
    )


def main() -> None:
    """Write the page."""
    place = _PLACE.subn(
        lambda found: f"{found[1]}\n{measured(CACHE, BENCH)}\n\n{found[2]}", PAGE.read_text()
    )
    PAGE.write_text(place[0])


if __name__ == "__main__":
    main()
