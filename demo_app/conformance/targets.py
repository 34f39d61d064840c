"""The backends that come with this project, as subjects of the suite."""

from __future__ import annotations

from demo_app.blog.identity import IN_REDIS
from demo_app.conformance.processes import Subject
from demo_app.jobs.backend import make_backend
from demo_app.settings import settings
from demo_app.stack.redis_server import start


def shipped(name: str) -> Subject:
    """The backend of that name, with the worker's command that it has itself.

    Raises ValueError for an unknown name, and ImportError when its library is missing.
    """
    command = make_backend(name, settings()).worker_command() or ()
    broker = start if name in IN_REDIS else None
    return Subject(name, f"demo_app.backends.{name}:make", tuple(command), broker)
