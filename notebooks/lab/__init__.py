"""What the notebooks import: a running system, pictures, predictions and checks.

Each name is loaded when it is first used: the web app and the workers import `lab.jobs`, and
should not have to load every library that draws pictures.
"""

from __future__ import annotations

from importlib import import_module

_WHERE = {
    "Lab": "running",
    "LabError": "running",
    "Table": "show",
    "check": "checks",
    "doctor": "checks",
    "hand_in": "handing_in",
    "mystery": "mysteries",
    "predict": "prediction",
    "predictions": "prediction",
    "side_by_side": "ledger",
    "solutions": "checks",
}
__all__ = list(_WHERE)


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'lab' has no attribute {name!r}")
    import_module("lab.preload")  # first of all
    found: object = getattr(import_module(f"lab.{_WHERE[name]}"), name)
    globals()[name] = found
    return found
