"""Redis servers on TCP ports: single servers, replicas, a cluster, and Sentinels."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from support import or_none, until

from demo_app.rig import ports
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.redis_server import binary, command

#: Sentinel considers a primary dead after this time without a reply (milliseconds).
SILENT_MS = 1000


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]
    client: Any


def server(primary: int | None = None, **options: Any) -> AbstractContextManager[Server]:
    """Run a Redis server until the context ends.

    Args:
        primary: the port of the server's primary, or None if it is not a replica.
        options: see `redis_server.command`.
    """
    if primary is not None:
        options |= {"replicaof": f"127.0.0.1 {primary}", "repl_diskless_sync_delay": "0"}
    return _running(lambda folder, port: command(folder, folder / "s", port=port, **options))


def cluster() -> AbstractContextManager[Server]:
    # the default is the server's port plus 10,000, which may be in use
    bus = str(ports.take(0, "the cluster's bus"))
    return server(persistence=False, cluster_enabled="yes", cluster_port=bus)


def sentinel(primary: int, silent_ms: int = SILENT_MS) -> AbstractContextManager[Server]:
    def started(folder: Path, port: int) -> list[str]:
        settings = folder / "sentinel.conf"
        settings.write_text(
            f"sentinel monitor books 127.0.0.1 {primary} 1\n"
            f"sentinel down-after-milliseconds books {silent_ms}\n"
            "sentinel failover-timeout books 5000\n"
        )
        return [binary(), str(settings), "--sentinel", "--port", str(port), "--dir", str(folder)]

    return _running(started)


@contextmanager
def _running(started: Callable[[Path, int], list[str]]) -> Iterator[Server]:
    port = ports.take(0, "Redis")
    with ProcessGroup() as group:
        process = group.start(started(group.folder, port), stdout=subprocess.DEVNULL)
        client = redis.Redis(port=port, decode_responses=True, socket_timeout=5.0)
        until(lambda: or_none(client.ping), what="the server")
        yield Server(port, process, client)
        client.close()
    ports.release(port)


def wait_until_watched(replica: Server, watching: Server) -> None:
    until(lambda: replica.client.info("replication")["master_link_status"] == "up", what="the sync")

    def is_watched() -> bool:
        replicas = watching.client.sentinel_slaves("books")
        return str(replica.port) in {str(one["port"]) for one in replicas}

    until(is_watched, 60.0, "Sentinel's check of the replica")


def leads_to(watching: Server, port: int) -> bool:
    return bool(watching.client.sentinel_master("books")["port"] == port)
