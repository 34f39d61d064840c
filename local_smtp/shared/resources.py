"""The resources that a server reserves at its start: a directory and its ports."""

import fcntl
import os
import socket
import stat
from pathlib import Path
from typing import TextIO


class ResourceError(Exception):
    """A resource is not available. The message has the reason and the remedy."""


def take_directory(folder: Path, whose: str) -> TextIO:
    """Lock a directory for this process.

    Args:
        folder: the directory; it is created if it is missing.
        whose: the kind of program that uses the directory, such as "mail sink", for the error
            message.

    Returns:
        The lock. The directory is free again when the lock is closed or the process dies.

    Raises:
        ResourceError: the directory is used by another process, is not private, or can't be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (why := why_not_private(folder)):
            lock = (folder / "lock").open("a")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
    except BlockingIOError:
        why = f"is in use by a running {whose}. Stop it, or choose another folder"
    except OSError as error:
        why = f"can't be used: {error.strerror}. Choose another folder"
    raise ResourceError(f"The folder {folder} {why}.")


def why_not_private(folder: Path) -> str:
    """Return the reason why the folder is not private, or "".

    The text continues a sentence that begins with the folder's name.
    """
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return "is a link, not a folder: name the folder itself"
    if status.st_uid != os.getuid():
        return "belongs to another user"
    if status.st_mode & 0o077:
        return (
            f"is open to other users: close it with `chmod 700 {folder}`, or choose another folder"
        )
    return ""


def listen(host: str, port: int, option: str) -> socket.socket:
    """Return a listening socket.

    Args:
        port: 0 takes a free port.
        option: the option that sets the port, for the error message.

    Raises:
        ResourceError: the port is taken, or the address is not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        both = host == "::" and socket.has_dualstack_ipv6()
        # create_server sets SO_REUSEADDR, so the port can be used again immediately after a kill
        return socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ResourceError(
            f"Port {port} of {host} can't be used: {reason}."
            f" Choose another {option}, or 0 for a free one."
        ) from None
