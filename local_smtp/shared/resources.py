"""What a server reserves at its start: a directory, and its ports."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from pathlib import Path
from typing import TextIO


class ResourceError(Exception):
    """The server can't start; the text says why and what to do."""


def take_directory(folder: Path, whose: str) -> TextIO:
    """Take a directory for this process alone, until what is returned is closed; the system does
    that when the process dies.

    whose: who takes it, for the sentence of the ResourceError that is raised when another one has
    it, or others can reach what is in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (why := why_not_private(folder)):
            lock = (folder / "lock").open("a")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
    except BlockingIOError:
        why = f"belongs to a {whose} that runs: stop that, or name another one"
    except OSError as error:
        why = f"can't be used: {error.strerror}. Name another one"
    raise ResourceError(f"The folder {folder} {why}.")


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

    Raises ResourceError when the port is taken, or the address is not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Sets SO_REUSEADDR: after a kill the port can be taken again at once.
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ResourceError(
            f"Port {port} of {host} can't be used: {reason}."
            f" Choose another {option}, or 0 for a free one."
        ) from None
