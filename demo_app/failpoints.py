"""The named steps of a job, at which a test can kill or stop a process.

With ``DEMO_DIE_AT="armed"``, a test calls `enable`, which writes a file named after a step. The
first process that passes the step renames the file, and sends itself the signal in the file.

With ``DEMO_DIE_AT="mail_sent:3"``, the process that starts first writes such a file. The process
that makes the third pass of the step gets SIGKILL. The file is not written again, so that the
restarted process survives the step.

Without the variable a step costs one call of an empty function.
"""

import os
import signal
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path


class Step(StrEnum):
    """A step of a job, right after which a test can stop or kill the process."""

    COMMENT_COMMITTED = "comment_committed"
    OUTBOX_READ = "outbox_read"
    ENQUEUED = "enqueued"
    OUTBOX_HANDED_OVER = "outbox_handed_over"
    OUTBOX_SETTLED = "outbox_settled"  # the relay has read the states of its jobs
    POPPED = "popped"  # only without the atomic claim: the job is neither queued nor claimed
    CLAIMED = "claimed"
    STARTED = "started"
    MAIL_BEGUN = "mail_begun"  # the server waits for the mail; no byte of it was sent
    MAIL_SENT = "mail_sent"
    REPLY_RECEIVED = "reply_received"
    ACKNOWLEDGED = "acknowledged"
    RETRY_SCHEDULED = "retry_scheduled"
    DUE_MOVED = "due_moved"
    RESCUE_MOVED = "rescue_moved"
    DIED = "died"  # the job is dead: it waits for a person


def enable(folder: Path, step: Step, number: signal.Signals = signal.SIGKILL, nth: int = 1) -> Path:
    """Write the file that makes a process send itself a signal at the nth pass of the step.

    Returns the file, which exists until that pass.

    Args:
        folder: the stack's DEMO_DIR.
        number: the signal.
        nth: number of the pass, from 1, in the order of the passes of all processes.
    """
    armed = _armed(folder, step)
    armed.parent.mkdir(parents=True, exist_ok=True)
    written = armed.with_suffix(f".new{os.getpid()}")
    written.write_text(f"{int(number)} {nth}")
    return written.rename(armed)


def disable(folder: Path, step: Step) -> bool:
    """Remove the file of `enable`. Return False if a process has already taken it."""
    try:
        _armed(folder, step).unlink()
    except FileNotFoundError:
        return False
    return True


def _armed(folder: Path, step: Step) -> Path:
    return folder / "steps" / step


_folder = Path(os.environ.get("DEMO_DIR", "."))


def _when_armed(step: Step) -> None:
    armed = _armed(_folder, step)
    if not os.path.exists(armed):
        return
    taken = armed.with_name(f"{step}.{os.getpid()}")
    try:
        os.rename(armed, taken)  # only one process succeeds
    except FileNotFoundError:
        return
    number, nth = map(int, taken.read_text().split())
    if nth > 1:
        taken.unlink()
        enable(_folder, step, signal.Signals(number), nth - 1)
        return
    # raise(3) reaches this thread immediately; kill(2) might reach another thread first
    signal.raise_signal(number)


_name, _, _nth = os.environ.get("DEMO_DIE_AT", "").partition(":")
hit: Callable[[Step], None] = _when_armed if _name else lambda _: None
_once = _folder / "steps" / f"{_name}.once"
if _name not in ("", "armed") and not _once.exists():
    enable(_folder, Step(_name), nth=int(_nth or 1))
    _once.touch()
