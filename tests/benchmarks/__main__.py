"""Run benchmarks by name, or all of them: ``python -m benchmarks [name ...]``.

Each run is kept in build/bench/last.json; the next one tells what changed by more than noise.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.compare import compare
from benchmarks.machine import describe
from benchmarks.table import Table

#: Each is a module of this package with a function `run` that gives tables.
NAMES = (
    "work",
    "enqueue",
    "broker",
    "comments",
    "outbox",
    "recovery",
    "growth",
    "safeguards",
    "queues",
    "pages",
    "frames",
    "classroom",
)

LAST = Path("build/bench/last.json")


def main() -> None:
    """Print a table for each benchmark asked for."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # its servers and workers end with it
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"of: {', '.join(NAMES)}")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    given = parser.parse_args()
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    console = Console(stderr=given.markdown)
    tables = [describe()]
    for name in given.names or NAMES:
        with console.status(f"{name} …"):
            tables += import_module(f"benchmarks.{name}").run()
    earlier = [Table(**table) for table in json.loads(LAST.read_text())] if LAST.exists() else []
    for table in [*tables, *([compare(earlier, tables)] if earlier else [])]:
        print(table.markdown()) if given.markdown else console.print(_rich(table))
    if given.json:
        given.json.write_text(_json(tables))
    LAST.parent.mkdir(parents=True, exist_ok=True)
    titles = {table.title for table in tables}
    LAST.write_text(_json([*(one for one in earlier if one.title not in titles), *tables]))


def _json(tables: list[Table]) -> str:
    return json.dumps([table.as_json() for table in tables], indent=2)


def _rich(table: Table) -> RichTable:
    shown = RichTable(title=table.title, caption=table.note or None, title_justify="left")
    for column in table.columns:
        shown.add_column(column)
    for row in table.rows:
        shown.add_row(*row)
    return shown


if __name__ == "__main__":
    main()
