"""Faults of the disk, memory and file descriptors, and of the data that Redis has stored."""

import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from chaos.context import Context, Fault, Injector
from demo_app.broker.connection import connect


@contextmanager
def limited(pid: int, what: int, number: int) -> Iterator[None]:
    usual = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (number, usual[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, what, usual)


def full_disk(role: str) -> Injector:
    """Return an injector of a full disk.

    For about a second, a process of the role can't write beyond the first 4 KiB of any file.
    """
    return _starved(role, "disk full", "RLIMIT_FSIZE", lambda pid: 4096)


def no_descriptors(role: str) -> Injector:
    def used(pid: int) -> int:
        return len(os.listdir(f"/proc/{pid}/fd"))

    return _starved(role, "no descriptor left", "RLIMIT_NOFILE", used)


def _starved(role: str, kind: str, limit: str, few: Callable[[int], int]) -> Injector:
    def inject(context: Context) -> list[Fault]:
        with context.system.only_one(role):
            pid = context.system.one_of(role, context.chance)
            if pid is None or not hasattr(resource, "prlimit"):
                return []
            now = time.time()
            # the process may end: with `appendfsync always`, Redis exits if it can't write its log
            with (
                suppress(FileNotFoundError, ProcessLookupError, PermissionError),
                limited(pid, getattr(resource, limit), few(pid)),
            ):
                time.sleep(context.chance.uniform(0.5, 1.5))
            context.system.alive(role)
            return [Fault(f"{role}: {kind}", now, time.time())]

    return inject


def full_memory(context: Context) -> list[Fault]:
    with context.system.only_one("redis"), connect(context.system.ready["redis"]) as client:
        now = time.time()
        client.config_set("maxmemory", "1mb")
        time.sleep(context.chance.uniform(0.5, 1.5))
        client.config_set("maxmemory", 0)
        return [Fault("redis: memory full", now, time.time())]


def lagging_replica(context: Context) -> list[Fault]:
    """Kill Redis, and replace it by a server without the data of the last seconds."""
    with context.system.only_one("redis"):
        data = context.system.folder / "redis" / "appendonlydir"
        replica = context.system.folder / "replica"
        shutil.rmtree(replica, ignore_errors=True)
        now = time.time()
        shutil.copytree(data, replica)
        time.sleep(context.chance.uniform(0.5, 3.0))

        def take_over() -> None:
            shutil.rmtree(data)
            replica.rename(data)

        if _killed_after(context, take_over) is None:
            return []
        return [Fault("redis: a replica that lagged takes over", now, time.time())]


def torn_log(context: Context) -> list[Fault]:
    """Append half a record to Redis's log, and kill Redis as if it had died during a write."""

    def tear() -> None:
        logs = sorted((context.system.folder / "redis" / "appendonlydir").glob("*.incr.aof"))
        if logs:
            with logs[-1].open("ab") as log:
                log.write(b"*3\r\n$5\r\nRPUSH\r\n$12\r\njob:half-a-")

    with context.system.only_one("redis"):
        at = _killed_after(context, tear)
        return [] if at is None else [Fault("redis: killed in the middle of a write", at, at)]


def _killed_after(context: Context, act: Callable[[], None]) -> float | None:
    """Suspend Redis (SIGSTOP), call `act`, kill Redis, and wait until Redis has been restarted.

    Args:
        act: changes the files of Redis.

    Returns:
        The time of the suspension (epoch seconds), or None if no process was suspended.
    """
    for fault in context.hit("redis", signal.SIGSTOP, "redis: stopped"):
        act()
        context.system.signal(fault.pids[0], signal.SIGKILL)
        context.system.alive("redis")
        return fault.at
    return None
