"""Faults of disks: full, and a log that ends in half a record."""

from __future__ import annotations

import resource
import time

from demo_app.verification.chaos.context import Context, Fault, Injector


def full_disk(role: str) -> Injector:
    """A quota in place of a full disk: no file of the process may grow for a while."""

    def inject(context: Context) -> list[Fault]:
        with context.system.only_one(role):
            pid = context.system.one_of(role, context.chance)
            if pid is None or not hasattr(resource, "prlimit"):
                return []
            now = time.time()
            try:
                _, most = resource.prlimit(
                    pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY)
                )
                time.sleep(context.chance.uniform(0.5, 1.5))
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
            except (ProcessLookupError, PermissionError):
                pass  # with appendfsync always, Redis ends itself rather than go on without its log
            context.system.alive(role)
            return [Fault(f"{role}: disk full", role, now, time.time())]

    return inject


def torn_log(context: Context) -> list[Fault]:
    """Redis is killed in the middle of writing a record, which nobody was told of yet."""
    with context.system.only_one("redis"):
        pid = context.system.one_of("redis", context.chance)
        if pid is None:
            return []
        now = time.time()
        context.system.order("kill", "redis")
        context.system.wait(lambda: pid not in context.system.pids("redis"), 10.0)
        logs = sorted((context.system.folder / "redis" / "appendonlydir").glob("*.incr.aof"))
        if logs:
            with logs[-1].open("ab") as log:
                log.write(b"*3\r\n$5\r\nRPUSH\r\n$12\r\njob:half-a-")
        context.system.order("start", "redis")
        context.system.alive("redis")
        return [Fault("redis: killed in the middle of a write", "redis", now, now)]
