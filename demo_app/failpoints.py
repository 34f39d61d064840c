"""The named steps of a job's life, and how a test stops a process dead at one of them.

``DEMO_DIE_AT="armed"`` lets a running process be stopped: `enable` writes a file named after the
step, and the process that passes the step takes the file and sends itself the signal in it.

``DEMO_DIE_AT="mail_sent:3"`` does so when the first process starts, for the third passage: SIGKILL,
once, so that the process which takes its place goes on.

Without the variable a step costs one call of an empty function.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path


class Step(StrEnum):
    """A step of a job. Its name stands for the moment right after the step."""

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
    RESCUE_MOVED = "rescue_moved"
    DIED = "died"  # given up: kept among the dead for a person


def enable(folder: Path, step: Step, number: signal.Signals = signal.SIGKILL, nth: int = 1) -> Path:
    """Let the process that passes the step as the nth from now on send itself the signal.

    folder: the stack's DEMO_DIR. Returns the file that is there until it happens.
    """
    armed = _armed(folder, step)
    armed.parent.mkdir(parents=True, exist_ok=True)
    written = armed.with_suffix(f".new{os.getpid()}")
    written.write_text(f"{int(number)} {nth}")
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
        number, nth = map(int, taken.read_text().split())
        if nth > 1:
            taken.unlink()
            enable(folder, step, signal.Signals(number), nth - 1)
            return
        # raise(3) sends it to this thread: sent to the process, it might let this one run on a bit
        signal.raise_signal(number)

    return hit


def _from_environment(environ: dict[str, str] | os._Environ[str]) -> Callable[[Step], None]:
    value = environ.get("DEMO_DIE_AT")
    if not value:
        return _nothing
    folder = Path(environ.get("DEMO_DIR", "."))
    name, _, nth = value.partition(":")
    once = folder / "steps" / f"{name}.once"
    if name != "armed" and not once.exists():
        enable(folder, Step(name), nth=int(nth or 1))
        once.touch()
    return _when_armed(folder)


hit: Callable[[Step], None] = _from_environment(os.environ)
