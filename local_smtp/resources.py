"""What a sink reserves at its start: a directory, and its ports."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import tempfile
from contextlib import ExitStack
from pathlib import Path


class SinkError(Exception):
    """The sink can't start; the text says why and what to do."""


def take_directory(wanted: Path | None, starting: ExitStack) -> Path:
    """Take a directory for this process alone; the system releases it when the process dies.

    Raises SinkError when another sink has it, or others can reach what is in it.
    """
    if wanted is None:
        temporary = tempfile.TemporaryDirectory(prefix="mail-sink-", ignore_cleanup_errors=True)
        wanted = Path(starting.enter_context(temporary))
    try:
        wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
        if why := why_not_private(wanted):
            raise SinkError(f"{wanted} {why}.")
        lock = starting.enter_context((wanted / "lock").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        reason = f"{wanted} can't be used: {error.strerror}. Choose"
        if isinstance(error, BlockingIOError):
            reason = f"Another mail sink runs on {wanted}. Stop it, or choose"
        raise SinkError(f"{reason} another --dir.") from None
    return wanted.resolve()


def why_not_private(folder: Path) -> str:
    """Why others can reach what is in the folder, in words that go on from its name; "" if none."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return "is a link, not a folder: name the folder itself"
    if status.st_uid != os.getuid():
        return "belongs to another user"
    if status.st_mode & 0o077:
        return f"is open to other users: close it with `chmod 700 {folder}`, or name another one"
    return ""


def listen(host: str, port: int, option: str) -> socket.socket:
    """A listening socket; `option` is the one that sets its port.

    Raises SinkError when the port is taken, or the address is not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Sets SO_REUSEADDR: after a kill the port can be taken again at once.
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SinkError(
            f"Port {port} of {host} can't be used: {reason}."
            f" Choose another {option}, or 0 for a free one."
        ) from None
