"""Run benchmarks by name, or all of them: ``python -m benchmarks [name ...]``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmarks.machine import describe

#: Modules of this package. Each has a function `run` that returns tables.
NAMES = ("work", "enqueue", "broker", "fleet", "recovery", "growth")


def main() -> None:
    # SIGTERM raises SystemExit, so that the benchmark's servers and workers are stopped too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"of: {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    args = parser.parse_args()
    unknown = set(args.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    if args.json:  # first, since an error after the benchmarks would waste minutes
        args.json.parent.mkdir(parents=True, exist_ok=True)
    tables = [describe()]
    print(tables[0].markdown())
    for name in args.names or NAMES:
        print(f"{name} …", file=sys.stderr, flush=True)
        for table in import_module(f"benchmarks.{name}").run():
            tables.append(table)
            print(table.markdown(), flush=True)  # not at the end: a later benchmark may fail
    if args.json:
        args.json.write_text(json.dumps([asdict(table) for table in tables], indent=2))


if __name__ == "__main__":
    main()
