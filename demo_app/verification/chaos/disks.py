"""Faults of disks, of memory and of other things that run out."""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections.abc import Callable

from demo_app.broker.connection import connect
from demo_app.verification.chaos.context import Context, Fault, Injector


def full_disk(role: str) -> Injector:
    """A quota in place of a full disk: no file of the process may grow for a while."""
    return _starved(role, "disk full", "RLIMIT_FSIZE", lambda pid: 4096)


def no_descriptors(role: str) -> Injector:
    """The process can open no further file and take no further connection for a while."""
    return _starved(
        role, "no descriptor left", "RLIMIT_NOFILE", lambda pid: len(os.listdir(f"/proc/{pid}/fd"))
    )


def _starved(role: str, kind: str, limit: str, few: Callable[[int], int]) -> Injector:
    def inject(context: Context) -> list[Fault]:
        with context.system.only_one(role):
            pid = context.system.one_of(role, context.chance)
            if pid is None or not hasattr(resource, "prlimit"):
                return []
            now, what = time.time(), getattr(resource, limit)
            try:
                usual, most = resource.prlimit(pid, what)
                resource.prlimit(pid, what, (few(pid), most))
                time.sleep(context.chance.uniform(0.5, 1.5))
                resource.prlimit(pid, what, (usual, most))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                pass  # with appendfsync always, Redis ends itself rather than go on without its log
            context.system.alive(role)
            return [Fault(f"{role}: {kind}", role, now, time.time())]

    return inject


def full_memory(context: Context) -> list[Fault]:
    """Redis may use no more memory for a while: it refuses whatever would need some."""
    with context.system.only_one("redis"), connect(context.system.ready["redis"]) as client:
        now = time.time()
        client.config_set("maxmemory", "1mb")
        time.sleep(context.chance.uniform(0.5, 1.5))
        client.config_set("maxmemory", 0)
        return [Fault("redis: memory full", "redis", now, time.time())]


def lagging_replica(context: Context) -> list[Fault]:
    """Redis is killed, and another takes over that has not heard of the last seconds."""
    with context.system.only_one("redis"):
        data = context.system.folder / "redis" / "appendonlydir"
        replica = context.system.folder / "replica"
        shutil.rmtree(replica, ignore_errors=True)
        now = time.time()
        shutil.copytree(data, replica)
        time.sleep(context.chance.uniform(0.5, 3.0))
        _away(context)
        shutil.rmtree(data)
        replica.rename(data)
        context.system.order("start", "redis")
        context.system.alive("redis")
        return [Fault("redis: a replica that lagged takes over", "redis", now, time.time())]


def _away(context: Context) -> None:
    """Kill Redis, which stays dead until it is started."""
    context.system.order("kill", "redis")
    context.system.wait(lambda: not context.system.pids("redis"), 10.0)


def torn_log(context: Context) -> list[Fault]:
    """Redis is killed in the middle of writing a record, which it had acknowledged to nobody."""
    with context.system.only_one("redis"):
        if context.system.one_of("redis", context.chance) is None:
            return []
        now = time.time()
        _away(context)
        logs = sorted((context.system.folder / "redis" / "appendonlydir").glob("*.incr.aof"))
        if logs:
            with logs[-1].open("ab") as log:
                log.write(b"*3\r\n$5\r\nRPUSH\r\n$12\r\njob:half-a-")
        context.system.order("start", "redis")
        context.system.alive("redis")
        return [Fault("redis: killed in the middle of a write", "redis", now, now)]
