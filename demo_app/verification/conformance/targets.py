"""The backends that come with this project, as subjects of the suite."""

from __future__ import annotations

import sys

from demo_app.stack.redis_server import start
from demo_app.verification.conformance.processes import Subject

_BACKENDS = "demo_app.backends"
_CELERY = ("celery", "-A", "demo_app.worker", "worker", "--loglevel", "WARNING")
_QUIET = ("--without-mingle", "--without-gossip", "--without-heartbeat")


SHIPPED: dict[str, Subject] = {
    subject.name: subject
    for subject in (
        Subject("inline", f"{_BACKENDS}.inline:make"),
        Subject("memory", f"{_BACKENDS}.memory:make"),
        Subject(
            "celery",
            f"{_BACKENDS}.celery:make",
            worker=(sys.executable, "-m", *_CELERY, *_QUIET),
            broker=start,
        ),
        Subject(
            "rq",
            f"{_BACKENDS}.rq:make",
            worker=(sys.executable, "-m", f"{_BACKENDS}.rq_worker"),
            broker=start,
        ),
        Subject(
            "huey",
            f"{_BACKENDS}.huey:make",
            worker=(sys.executable, "-m", f"{_BACKENDS}.huey_worker"),
        ),
    )
}
