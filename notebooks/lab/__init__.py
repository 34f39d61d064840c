"""What the notebooks import: a system to experiment on, pictures, predictions and checks.

Each name is imported when it is first asked for: web app and workers import `lab.jobs` from here,
and would otherwise load every library that draws pictures.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.ask import predict
    from lab.checks import check, solutions
    from lab.ledger import side_by_side
    from lab.machine import doctor
    from lab.running import Lab, LabError
    from lab.show import Table
    from lab.times import percentile, response_times, waits

_WHERE = {
    "Lab": "running",
    "LabError": "running",
    "Table": "show",
    "check": "checks",
    "doctor": "machine",
    "percentile": "times",
    "predict": "ask",
    "response_times": "times",
    "side_by_side": "ledger",
    "solutions": "checks",
    "waits": "times",
}

__all__ = [
    "Lab",
    "LabError",
    "Table",
    "check",
    "doctor",
    "percentile",
    "predict",
    "response_times",
    "side_by_side",
    "solutions",
    "waits",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'lab' has no attribute {name!r}")
    import_module("lab.heavy")  # before everything else
    found: object = getattr(import_module(f"lab.{_WHERE[name]}"), name)
    globals()[name] = found
    return found
