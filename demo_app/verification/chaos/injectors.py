"""Faults of processes: killed, paused, ended, doubled; at random moments and at named steps."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from demo_app.failpoints import Step, disable, enable
from demo_app.verification.chaos.fault import Act, Fault, Scene

#: Seconds beyond which a worker that is paused has lost its lease (3 s), and its jobs are done.
BEYOND_THE_LEASE = 5.0

# --- at random moments


def kill(role: str, number: signal.Signals = signal.SIGKILL) -> Act:
    """A signal to some process of the role."""

    def act(scene: Scene) -> list[Fault]:
        pid = scene.system.one_of(role, scene.chance)
        now = time.time()
        if pid is None or not scene.system.signal(pid, number):
            return []
        return [Fault(f"{role}: {number.name}", role, now, now, (pid,))]

    return act


def terminate_twice(scene: Scene) -> list[Fault]:
    """SIGTERM to a worker, and again before it has ended."""
    done = kill("worker", signal.SIGTERM)(scene)
    if not done:
        return []
    time.sleep(scene.chance.uniform(0.05, 0.3))
    scene.system.signal(done[0].pids[0], signal.SIGTERM)
    return [Fault("worker: SIGTERM twice", "worker", done[0].at, done[0].at, done[0].pids)]


def pause_worker(scene: Scene) -> list[Fault]:
    """SIGSTOP to a worker until its lease is over, then SIGCONT."""
    pid = scene.system.one_of("worker", scene.chance)
    now = time.time()
    if pid is None or not scene.system.signal(pid, signal.SIGSTOP):
        return []
    return _wake(scene, pid, now, "worker: paused beyond its lease")


def _wake(scene: Scene, pid: int, at: float, kind: str) -> list[Fault]:
    time.sleep(BEYOND_THE_LEASE)
    scene.system.signal(pid, signal.SIGCONT)
    return [Fault(kind, "worker", at, at, (pid,))]


def pause_redis(scene: Scene) -> list[Fault]:
    """SIGSTOP to Redis for a second or so."""
    with scene.system.only_one("redis"):
        pid = scene.system.one_of("redis", scene.chance)
        now = time.time()
        if pid is None or not scene.system.signal(pid, signal.SIGSTOP):
            return []
        time.sleep(scene.chance.uniform(0.3, 1.5))
        scene.system.signal(pid, signal.SIGCONT)
        return [Fault("redis: paused", "redis", now, time.time())]


def kill_one_at_a_time(role: str) -> Act:
    """SIGKILL to the role; no second one before it lives again."""

    def act(scene: Scene) -> list[Fault]:
        with scene.system.only_one(role):
            done = kill(role)(scene)
            if done:
                scene.system.wait(lambda: not set(done[0].pids) & set(scene.system.pids(role)), 5.0)
                scene.system.alive(role)
        return done

    return act


def kill_supervisor(scene: Scene) -> list[Fault]:
    """SIGKILL to the supervisor; all that it started dies with it, and is started anew."""
    with (
        scene.system.only_one("redis"),
        scene.system.only_one("web"),
        scene.system.only_one("smtp"),
    ):
        workers = tuple(scene.system.alive("worker"))
        now = time.time()
        scene.system.kill_supervisor()
        return [Fault("supervisor: SIGKILL, and all with it", "all", now, now, workers)]


def namesake(scene: Scene) -> list[Fault]:
    """A second worker of the same node name joins, works, and is killed."""
    environment = scene.system.ready["environment"]
    command = [sys.executable, "-m", "celery", "-A", "demo_app.worker", "worker"]
    told = ["--hostname", "worker1@%h", "--loglevel", "ERROR", "--without-mingle"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    worker = subprocess.Popen(
        [*command, *told],
        env=environment,
        start_new_session=True,
        **quiet,  # type: ignore[call-overload]
    )
    try:
        time.sleep(scene.chance.uniform(2.5, 4.0))
        now = time.time()
    finally:
        worker.kill()
        worker.wait()
    return [Fault("worker: a namesake joins and is killed", "worker", now, now, (worker.pid,))]


# --- at a named step


def at_step(step: Step, hit: str, *companions: Act) -> Act:
    """SIGKILL to whoever passes the step next; companions: what makes somebody pass it."""

    def act(scene: Scene) -> list[Fault]:
        others = [fault for companion in companions for fault in companion(scene)]
        happened = _wait_for_step(scene, step, signal.SIGKILL)
        if happened is None:
            return others
        at, pid = happened
        if hit == "web":
            with scene.system.only_one("web"):
                scene.system.alive("web")
        return [*others, Fault(f"{hit}: killed at {step}", hit, at, at, (pid,))]

    return act


def pause_before_mail(scene: Scene) -> list[Fault]:
    """The worst moment to sleep through a lease: the server is ready, the mail is not sent."""
    happened = _wait_for_step(scene, Step.MAIL_BEGUN, signal.SIGSTOP)
    if happened is None:
        return []
    at, pid = happened
    scene.system.signal(pid, signal.SIGSTOP)  # so that it is known as stopped
    return _wake(scene, pid, at, f"worker: paused at {Step.MAIL_BEGUN}")


def _wait_for_step(scene: Scene, step: Step, number: signal.Signals) -> tuple[float, int] | None:
    folder = scene.system.folder
    armed = folder / "steps" / step
    if armed.exists():
        return None  # somebody else waits for it
    enable(folder, step, number)
    if not _gone(armed, scene.seconds) and disable(folder, step):
        return None
    [taken, *_] = sorted(armed.parent.glob(f"{step}.[0-9]*"), key=lambda path: path.stat().st_ctime)
    at, pid = taken.stat().st_ctime, int(taken.suffix[1:])
    taken.unlink()
    return at, pid


def _gone(path: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while path.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
