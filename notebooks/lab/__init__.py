"""What the notebooks import: a running system, pictures, predictions and checks.

Each name is loaded when it is first used: the web app and the workers import `lab.jobs`, and
should not have to load every library that draws pictures.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.checks import check, doctor, solutions
    from lab.ledger import side_by_side
    from lab.predictions import predict
    from lab.running import Lab, LabError
    from lab.show import Table
    from lab.times import percentile, response_times, waits

_WHERE = {
    "Lab": "running",
    "LabError": "running",
    "Table": "show",
    "check": "checks",
    "doctor": "checks",
    "percentile": "times",
    "predict": "predictions",
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
    import_module("lab.preload")  # first of all
    found: object = getattr(import_module(f"lab.{_WHERE[name]}"), name)
    globals()[name] = found
    return found
