"""Faults of disks: full, and a log that ends in half a record."""

from __future__ import annotations

import resource
import time

from demo_app.verification.chaos.fault import Act, Fault, Scene


def full_disk(role: str) -> Act:
    """A quota in place of a full disk: no file of the process may grow for a while."""

    def act(scene: Scene) -> list[Fault]:
        with scene.system.only_one(role):
            pid = scene.system.one_of(role, scene.chance)
            if pid is None or not hasattr(resource, "prlimit"):
                return []
            now = time.time()
            try:
                _, most = resource.prlimit(
                    pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY)
                )
                time.sleep(scene.chance.uniform(0.5, 1.5))
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
            except (ProcessLookupError, PermissionError):
                pass  # with appendfsync always, Redis ends itself rather than go on without its log
            scene.system.alive(role)
            return [Fault(f"{role}: disk full", role, now, time.time())]

    return act


def torn_log(scene: Scene) -> list[Fault]:
    """Redis is killed in the middle of writing a record, which nobody was told of yet."""
    with scene.system.only_one("redis"):
        pid = scene.system.one_of("redis", scene.chance)
        if pid is None:
            return []
        now = time.time()
        scene.system.order("kill", "redis")
        scene.system.wait(lambda: pid not in scene.system.pids("redis"), 10.0)
        logs = sorted((scene.system.folder / "redis" / "appendonlydir").glob("*.incr.aof"))
        if logs:
            with logs[-1].open("ab") as log:
                log.write(b"*3\r\n$5\r\nRPUSH\r\n$12\r\njob:half-a-")
        scene.system.order("start", "redis")
        scene.system.alive("redis")
        return [Fault("redis: killed in the middle of a write", "redis", now, now)]
