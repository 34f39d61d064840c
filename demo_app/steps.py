"""The named steps of a job's life, and how a test stops a process dead at one of them.

``DEMO_DIE_AT="mail_sent:3"`` makes the process that passes the step ``mail_sent`` for the
third time send itself SIGKILL there, once: a file beside the data remembers that it happened,
so that the process which takes its place goes on. Unset, a step costs one call of an empty
function.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from enum import StrEnum
from itertools import count
from pathlib import Path


class Step(StrEnum):
    """Where a job stands; each names the moment right after it happened."""

    COMMENT_COMMITTED = "comment_committed"
    OUTBOX_READ = "outbox_read"
    ENQUEUED = "enqueued"
    OUTBOX_HANDED_OVER = "outbox_handed_over"
    CLAIMED = "claimed"
    STARTED = "started"
    MAIL_SENT = "mail_sent"
    REPLY_RECEIVED = "reply_received"
    ACKNOWLEDGED = "acknowledged"
    RETRY_SCHEDULED = "retry_scheduled"
    DUE_MOVED = "due_moved"
    RESCUE_FOUND = "rescue_found"
    RESCUE_MOVED = "rescue_moved"
    DIED = "died"


def _nothing(step: Step) -> None:
    """Pass the step; no test asked for anything here."""


def _deadly(wanted: Step, nth: int, marker: Path) -> Callable[[Step], None]:
    passages = count(1)

    def passed(step: Step) -> None:
        if step is not wanted or next(passages) != nth:
            return
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:  # a process before this one died here already
            return
        os.kill(os.getpid(), signal.SIGKILL)

    return passed


def _from_environment(environ: dict[str, str] | os._Environ[str]) -> Callable[[Step], None]:
    wanted = environ.get("DEMO_DIE_AT")
    if not wanted:
        return _nothing
    name, _, nth = wanted.partition(":")
    marker = Path(environ.get("DEMO_DIR", ".")) / f"died-at-{name}"
    return _deadly(Step(name), int(nth or 1), marker)


passed: Callable[[Step], None] = _from_environment(os.environ)
