"""Faults of processes, at random times and at named steps."""

import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
from redis import RedisError

from chaos.context import Context, Fault, Injector
from demo_app.broker.connection import Decoded, connect
from demo_app.failpoints import Step, disable, enable
from demo_app.rig.polling import until

#: UNTIL_DEAD: longest wait (seconds) until a paused worker is declared dead. AND_THEN: seconds for
#: which the worker stays paused after that, while other workers run its jobs.
UNTIL_DEAD, AND_THEN = 15.0, 1.5

# --- at random times


def kill(role: str, number: signal.Signals = signal.SIGKILL) -> Injector:
    return lambda context: context.hit(role, number, f"{role}: {number.name}")


def terminate_twice(context: Context) -> list[Fault]:
    hit = context.hit("worker", signal.SIGTERM, "worker: SIGTERM twice")
    for fault in hit:
        time.sleep(context.chance.uniform(0.05, 0.3))
        context.system.signal(fault.pids[0], signal.SIGTERM)
    return hit


def pause_worker(context: Context) -> list[Fault]:
    hit = context.hit("worker", signal.SIGSTOP, "worker: paused beyond its lease")
    return [_wake(context, fault) for fault in hit]


def _wake(context: Context, fault: Fault) -> Fault:
    [pid] = fault.pids
    with connect(context.system.ready["redis"]) as client:
        until(lambda: not _is_known(client, pid), UNTIL_DEAD)
    time.sleep(AND_THEN)
    context.system.signal(pid, signal.SIGCONT)
    return fault


def _is_known(client: Decoded, pid: int) -> bool:
    try:
        return any(f"-{pid}-" in worker for worker in client.smembers("workers"))
    except RedisError:
        return True


def pause_redis(context: Context) -> list[Fault]:
    with context.system.only_one("redis"):
        hit = context.hit("redis", signal.SIGSTOP, "redis: paused")
        for fault in hit:
            time.sleep(context.chance.uniform(0.3, 1.5))
            context.system.signal(fault.pids[0], signal.SIGCONT)
        return [replace(fault, over=time.time()) for fault in hit]


def kill_one_at_a_time(role: str) -> Injector:
    def inject(context: Context) -> list[Fault]:
        with context.system.only_one(role):
            done = kill(role)(context)
            if done:
                killed = set(done[0].pids)
                context.system.wait(lambda: not killed & set(context.system.pids(role)), 5.0)
                context.system.alive(role)
        return done

    return inject


def kill_supervisor(context: Context) -> list[Fault]:
    with (
        context.system.only_one("redis"),
        context.system.only_one("web"),
        context.system.only_one("smtp"),
    ):
        workers = tuple(context.system.alive("worker"))
        now = time.time()
        context.system.kill_supervisor()
        return [Fault("supervisor: SIGKILL, and all with it", now, now, workers)]


def namesake(context: Context) -> list[Fault]:
    """Start a worker with the node name of a running one, and kill it after a few seconds."""
    environment = context.system.ready["environment"]
    running = context.system.one_of("worker", context.chance)
    try:
        words = psutil.Process(running).cmdline() if running else []
    except psutil.Error:  # the running worker has just been killed
        words = []
    if "--hostname" not in words:
        return []
    name = words[words.index("--hostname") + 1]
    command = [sys.executable, "-m", "celery", "-A", "demo_app.worker", "worker"]
    command += ["--hostname", name, "--loglevel", "ERROR", "--without-mingle"]
    silent = subprocess.DEVNULL
    worker = subprocess.Popen(
        command, env=environment, stdout=silent, stderr=silent, start_new_session=True
    )
    time.sleep(context.chance.uniform(2.5, 4.0))
    now = time.time()
    worker.kill()
    worker.wait()
    return [Fault("worker: a namesake joins and is killed", now, now, (worker.pid,))]


# --- at a named step


def at_step(step: Step, hit: str, *companions: Injector) -> Injector:
    """Return an injector that kills the next process that reaches the step.

    Args:
        hit: the role of the killed process. For "web", wait until the web app has been restarted.
        companions: injectors to call first. Their faults make a process reach the step.
    """

    def inject(context: Context) -> list[Fault]:
        others = [fault for companion in companions for fault in companion(context)]
        happened = _wait_for_step(context, step, signal.SIGKILL)
        if happened is None:
            return others
        at, pid = happened
        if hit == "web":
            with context.system.only_one("web"):
                context.system.alive("web")
        return [*others, Fault(f"{hit}: killed at {step}", at, at, (pid,))]

    return inject


def pause_before_mail(context: Context) -> list[Fault]:
    """Pause a worker beyond its lease, at the worst moment: right before it sends a mail."""
    happened = _wait_for_step(context, Step.MAIL_BEGUN, signal.SIGSTOP)
    if happened is None:
        return []
    at, pid = happened
    context.system.signal(pid, signal.SIGSTOP)  # already stopped: only updates `System.stopped`
    return [_wake(context, Fault(f"worker: paused at {Step.MAIL_BEGUN}", at, at, (pid,)))]


def wipe_redis(context: Context) -> list[Fault]:
    """Kill a worker before it sends a mail, and wipe Redis before another one rescues the job."""
    happened = _wait_for_step(context, Step.MAIL_BEGUN, signal.SIGKILL)
    if happened is None:
        return []
    with connect(context.system.ready["redis"]) as client, context.system.only_one("redis"):
        now = time.time()
        client.flushall()
    return [Fault("redis: wiped", now, now, happened[1:])]


def _wait_for_step(
    context: Context, step: Step, number: signal.Signals
) -> tuple[float, int] | None:
    folder = context.system.folder
    armed = folder / "steps" / step
    if armed.exists():
        return None  # another injector waits for the same step
    enable(folder, step, number)
    if not until(lambda: not armed.exists(), context.seconds) and disable(folder, step):
        return None
    [taken, *_] = sorted(armed.parent.glob(f"{step}.[0-9]*"), key=lambda path: path.stat().st_ctime)
    at, pid = taken.stat().st_ctime, int(taken.suffix[1:])
    taken.unlink()
    return at, pid
