"""Who runs the jobs: one module a backend, chosen by one setting."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from demo_app.settings import BackendName, settings

if TYPE_CHECKING:
    from demo_app.jobs.backends.base import Backend

#: Takes the place of every backend, for tests; see `demo_app.jobs.testing`.
override: Backend | None = None


def backend_named(name: str | None = None) -> Backend:
    """The backend of that name, or the one that the settings choose; one object a process.

    Raises ValueError for an unknown name, and ImportError with what to install when the
    backend's library is missing.
    """
    if override is not None:
        return override
    return _made(BackendName(name) if name else settings().backend)


@cache
def _made(name: BackendName) -> Backend:
    try:
        module = import_module(f"demo_app.jobs.backends.{name}")
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(
            f"The backend {name!s} needs a library that is not installed: pip install '.[backends]'"
        ) from None
    made: Backend = module.make(settings())
    return made
