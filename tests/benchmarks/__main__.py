"""Run benchmarks by name, or all of them: ``python -m benchmarks [name ...]``."""

from __future__ import annotations

import argparse
import signal
import sys
from importlib import import_module

from benchmarks.machine import describe

#: Modules of this package. Each has a function `run` that returns tables.
NAMES = ("work", "enqueue", "broker", "fleet", "recovery", "growth")


def main() -> None:
    # SIGTERM raises SystemExit, so that the benchmark's servers and workers are stopped too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    names = parser.parse_args().names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    print(describe().markdown())
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        for table in import_module(f"benchmarks.{name}").run():
            print(table.markdown(), flush=True)  # not at the end: a later benchmark may fail


if __name__ == "__main__":
    main()
