"""Who runs the jobs: one module a backend, chosen by one setting."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from demo_app.jobs.backends.base import Backend
from demo_app.settings import BackendName, settings


def backend_named(name: str | None = None) -> Backend:
    """The backend of that name, or the one that the settings choose; one object a process.

    Raises ValueError for an unknown name, and ImportError with what to install when the
    backend's library is missing.
    """
    return _made(BackendName(name) if name else settings().backend)


@cache
def _made(name: BackendName) -> Backend:
    made: Backend = import_module(f"demo_app.jobs.backends.{name}").make(settings())
    return made
