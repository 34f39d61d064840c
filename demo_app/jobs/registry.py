"""Every task of this process, by the name under which a worker finds it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demo_app.jobs.task import Task

_registry: dict[str, Task[..., Any]] = {}


def register(task: Task[..., Any]) -> None:
    """Make a task known; one of the same name takes its place."""
    _registry[task.name] = task


def find_task(name: str) -> Task[..., Any] | None:
    """The task of that name, if its module was imported."""
    return _registry.get(name)


def all_tasks() -> dict[str, Task[..., Any]]:
    """Every task of the modules imported so far, by name."""
    return dict(_registry)


def load_tasks(modules: Iterable[str]) -> None:
    """Import the modules that hold `@task` functions.

    Raises ImportError with the module's name when one can't be imported.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ImportError(f"can't import the tasks of {module!r}: {error}") from error
