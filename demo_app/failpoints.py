"""The named steps of a job's life, and how a test stops a process dead at one of them.

``DEMO_DIE_AT="mail_sent:3"`` makes the process that passes the step ``mail_sent`` for the
third time send itself SIGKILL there, once: a file beside the data remembers that it happened,
so that the process which takes its place goes on.

``DEMO_DIE_AT="armed"`` lets a running process be stopped: `enable` writes a file named after the
step, and the first process that passes the step takes the file and sends itself the signal in it.

Without the variable a step costs one call of an empty function.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from enum import StrEnum
from itertools import count
from pathlib import Path


class Step(StrEnum):
    """What happened to a job; each names the moment right after it."""

    COMMENT_COMMITTED = "comment_committed"
    OUTBOX_READ = "outbox_read"
    ENQUEUED = "enqueued"
    OUTBOX_HANDED_OVER = "outbox_handed_over"
    OUTBOX_SETTLED = "outbox_settled"  # the relay knows what became of its jobs
    POPPED = "popped"  # only without the atomic claim: taken off its queue, recorded nowhere
    CLAIMED = "claimed"
    STARTED = "started"
    MAIL_BEGUN = "mail_begun"  # the server waits for the mail, and not a byte of it was sent
    MAIL_SENT = "mail_sent"
    REPLY_RECEIVED = "reply_received"
    ACKNOWLEDGED = "acknowledged"
    RETRY_SCHEDULED = "retry_scheduled"
    DUE_MOVED = "due_moved"
    RESCUE_FOUND = "rescue_found"
    RESCUE_MOVED = "rescue_moved"
    DIED = "died"  # given up: kept among the dead for a person


def enable(folder: Path, step: Step, number: signal.Signals = signal.SIGKILL) -> Path:
    """Let the next process that passes the step send itself the signal.

    folder: the stack's DEMO_DIR. Returns the file that is there until it happens.
    """
    armed = _armed(folder, step)
    armed.parent.mkdir(exist_ok=True)
    written = armed.with_suffix(".new")
    written.write_text(str(int(number)))
    return written.rename(armed)


def disable(folder: Path, step: Step) -> bool:
    """Remove the file that `enable` wrote; False when it has happened already."""
    try:
        _armed(folder, step).unlink()
    except FileNotFoundError:
        return False
    return True


def _armed(folder: Path, step: Step) -> Path:
    return folder / "steps" / step


def _nothing(step: Step) -> None:
    """Pass the step; no test asked for anything here."""


def _when_armed(folder: Path) -> Callable[[Step], None]:
    def hit(step: Step) -> None:
        armed = _armed(folder, step)
        if not os.path.exists(armed):
            return
        taken = armed.with_name(f"{step}.{os.getpid()}")
        try:
            os.rename(armed, taken)  # of several processes, one has it
        except FileNotFoundError:
            return
        _send_myself(int(taken.read_text()))

    return hit


def _deadly(wanted: Step, nth: int, marker: Path) -> Callable[[Step], None]:
    passages = count(1)

    def hit(step: Step) -> None:
        if step is not wanted or next(passages) != nth:
            return
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:  # a process before this one died here already
            return
        _send_myself(signal.SIGKILL)

    return hit


def _send_myself(number: int) -> None:
    # raise(3) sends it to this thread: sent to the process, it might let this thread run on a bit
    signal.raise_signal(number)


def _from_environment(environ: dict[str, str] | os._Environ[str]) -> Callable[[Step], None]:
    wanted = environ.get("DEMO_DIE_AT")
    if not wanted:
        return _nothing
    folder = Path(environ.get("DEMO_DIR", "."))
    name, _, nth = wanted.partition(":")
    if name == "armed":
        return _when_armed(folder)
    return _deadly(Step(name), int(nth or 1), folder / f"died-at-{name}")


hit: Callable[[Step], None] = _from_environment(os.environ)
