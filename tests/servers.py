"""Redis servers on ports of their own, copies of them, and a Sentinel that watches."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from support import or_none, until

from demo_app.stack import ports
from demo_app.stack.redis_server import binary

#: Milliseconds without an answer after which Sentinel calls the primary dead.
SILENT_MS = 1000


@dataclass(frozen=True)
class Server:
    """A Redis server of its own, and a client of it."""

    port: int
    process: subprocess.Popen[bytes]
    client: Any


@contextmanager
def server(folder: Path, primary: int | None = None, keeps: str = "yes") -> Iterator[Server]:
    """A server in the folder; primary: the port of the one that it copies. keeps: whether it has an
    append-only file."""
    port = ports.take(0, "Redis")
    options = ["--appendonly", keeps, "--appenddirname", f"aof-{port}", "--save", ""]
    if primary is not None:
        options += ["--replicaof", f"127.0.0.1 {primary}", "--repl-diskless-sync-delay", "0"]
    with _running(folder, port, "--dbfilename", f"{port}.rdb", *options) as server:
        yield server


@contextmanager
def cluster(folder: Path) -> Iterator[Server]:
    """A server in the folder that is a cluster by itself."""
    # its bus is else at the port plus 10,000, which may be in use
    port, bus = ports.take(0, "Redis"), ports.take(0, "the cluster's bus")
    options = ["--cluster-enabled", "yes", "--cluster-port", str(bus), "--save", ""]
    try:
        with _running(folder, port, *options) as server:
            yield server
    finally:
        ports.release(bus)


@contextmanager
def sentinel(folder: Path, primary: int, silent_ms: int = SILENT_MS) -> Iterator[Server]:
    """A Sentinel that watches the primary at this port, under the name of books."""
    settings = folder / "sentinel.conf"
    settings.write_text(
        f"sentinel monitor books 127.0.0.1 {primary} 1\n"
        f"sentinel down-after-milliseconds books {silent_ms}\n"
        "sentinel failover-timeout books 5000\n"
    )
    port = ports.take(0, "Sentinel")
    with _running(folder, port, str(settings), "--sentinel") as server:
        yield server


@contextmanager
def _running(folder: Path, port: int, *options: str) -> Iterator[Server]:
    where = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    process = subprocess.Popen([binary(), *options, *where], stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port, decode_responses=True, socket_timeout=5.0)
    try:
        until(lambda: or_none(client.ping), what="the server")
        yield Server(port, process, client)
    finally:
        client.close()
        process.kill()
        process.wait()
        ports.release(port)


def wait_until_watched(copy: Server, watching: Server) -> None:
    """Wait until the copy follows its primary, and Sentinel has seen it."""
    until(lambda: copy.client.info("replication")["master_link_status"] == "up", what="the copy")
    until(lambda: str(copy.port) in _replicas(watching), 60.0, "Sentinel's look at the copy")


def leads_to(watching: Server, port: int) -> bool:
    """Whether Sentinel says that the primary is at this port."""
    return bool(watching.client.sentinel_master("books")["port"] == port)


def _replicas(watching: Server) -> set[str]:
    return {str(one["port"]) for one in watching.client.sentinel_slaves("books")}
