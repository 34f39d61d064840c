"""The backends that come with this project, as subjects of the suite."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from demo_app.stack import redis_server
from demo_app.stack.options import Options
from demo_app.verification.conformance.rig import Subject

_BACKENDS = "demo_app.backends"
_CELERY = ("celery", "-A", "demo_app.worker", "worker", "--loglevel", "WARNING")
_QUIET = ("--without-mingle", "--without-gossip", "--without-heartbeat")


def redis_in(folder: Path, *, persistence: bool = True) -> tuple[subprocess.Popen[bytes], str]:
    """Start a Redis server with its data in the folder; returns it, and its URL."""
    return redis_server.start(folder, Options(persistence=persistence))


SHIPPED: dict[str, Subject] = {
    subject.name: subject
    for subject in (
        Subject("inline", f"{_BACKENDS}.inline:make"),
        Subject("memory", f"{_BACKENDS}.memory:make"),
        Subject(
            "celery",
            f"{_BACKENDS}.celery:make",
            worker=(sys.executable, "-m", *_CELERY, *_QUIET),
            broker=redis_in,
        ),
        Subject(
            "rq",
            f"{_BACKENDS}.rq:make",
            worker=(sys.executable, "-m", f"{_BACKENDS}.rq_worker"),
            broker=redis_in,
        ),
        Subject(
            "huey",
            f"{_BACKENDS}.huey:make",
            worker=(sys.executable, "-m", f"{_BACKENDS}.huey_worker"),
        ),
    )
}
