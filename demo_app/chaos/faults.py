"""Every kind of fault, and how it is done to a running system."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from demo_app.chaos.mail_rules import MailRules, Rule
from demo_app.chaos.system import System
from demo_app.settings import Safeguard
from demo_app.steps import Step, arm, disarm

#: Seconds beyond which a worker that is paused has lost its lease (3 s), and its jobs are done.
BEYOND_THE_LEASE = 5.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One that happened.

    at, over: epoch seconds, when it struck and when it was lifted again (the same for a kill).
    hit: what has to recover: worker, web, redis, smtp, mail (a single mail) or all.
    pids: the workers that it took.
    """

    kind: str
    hit: str
    at: float
    over: float
    pids: tuple[int, ...] = ()


@dataclass(slots=True)
class Scene:
    """What a fault can lay its hands on. seconds: how long to wait for what may not come."""

    system: System
    rules: MailRules
    seconds: float = 12.0
    chance: random.Random = field(default_factory=random.Random)


Act = Callable[[Scene], list[Fault]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault; weight: how often it is chosen. stock: whether stock Celery can have it."""

    name: str
    weight: float
    act: Act
    stock: bool = True


# --- processes, at random moments


def _kill(role: str, number: signal.Signals = signal.SIGKILL) -> Act:
    def act(scene: Scene) -> list[Fault]:
        pid = scene.system.one_of(role, scene.chance)
        now = time.time()
        if pid is None or not scene.system.signal(pid, number):
            return []
        return [Fault(f"{role}: {number.name}", role, now, now, (pid,))]

    return act


def _terminate_twice(scene: Scene) -> list[Fault]:
    done = _kill("worker", signal.SIGTERM)(scene)
    if not done:
        return []
    time.sleep(scene.chance.uniform(0.05, 0.3))
    scene.system.signal(done[0].pids[0], signal.SIGTERM)
    return [Fault("worker: SIGTERM twice", "worker", done[0].at, done[0].at, done[0].pids)]


def _pause_worker(scene: Scene) -> list[Fault]:
    pid = scene.system.one_of("worker", scene.chance)
    now = time.time()
    if pid is None or not scene.system.signal(pid, signal.SIGSTOP):
        return []
    return _wake(scene, pid, now, "worker: paused beyond its lease")


def _wake(scene: Scene, pid: int, at: float, kind: str) -> list[Fault]:
    time.sleep(BEYOND_THE_LEASE)
    scene.system.signal(pid, signal.SIGCONT)
    return [Fault(kind, "worker", at, at, (pid,))]


def _pause_redis(scene: Scene) -> list[Fault]:
    with scene.system.only_one("redis"):
        pid = scene.system.one_of("redis", scene.chance)
        now = time.time()
        if pid is None or not scene.system.signal(pid, signal.SIGSTOP):
            return []
        time.sleep(scene.chance.uniform(0.3, 1.5))
        scene.system.signal(pid, signal.SIGCONT)
        return [Fault("redis: paused", "redis", now, time.time())]


def _kill_one_at_a_time(role: str) -> Act:
    def act(scene: Scene) -> list[Fault]:
        with scene.system.only_one(role):
            done = _kill(role)(scene)
            if done:
                scene.system.wait(lambda: not set(done[0].pids) & set(scene.system.pids(role)), 5.0)
                scene.system.alive(role)
        return done

    return act


def _kill_supervisor(scene: Scene) -> list[Fault]:
    with (
        scene.system.only_one("redis"),
        scene.system.only_one("web"),
        scene.system.only_one("smtp"),
    ):
        workers = tuple(scene.system.alive("worker"))
        now = time.time()
        scene.system.kill_supervisor()
        return [Fault("supervisor: SIGKILL, and all with it", "all", now, now, workers)]


def _namesake(scene: Scene) -> list[Fault]:
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


# --- processes, at a named step


def _at_step(step: Step, hit: str, *companions: Act) -> Act:
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


def _pause_before_mail(scene: Scene) -> list[Fault]:
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
    arm(folder, step, number)
    if not _gone(armed, scene.seconds) and disarm(folder, step):
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


# --- disks


def _full_disk(role: str) -> Act:
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


def _torn_log(scene: Scene) -> list[Fault]:
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


# --- the mail server


def _mail(kind: str, rule: Rule) -> Act:
    def act(scene: Scene) -> list[Fault]:
        at = scene.rules.strike(rule, scene.seconds)
        return [] if at is None else [Fault(f"mail: {kind}", "mail", at, at)]

    return act


_DEFER = {"at": "rcpt", "do": "answer", "code": 451, "text": "try again later"}
_REFUSE = {"at": "rcpt", "do": "answer", "code": 550, "text": "no such mailbox"}
_kill_worker, _deferred, _refused = _kill("worker"), _mail("451", _DEFER), _mail("550", _REFUSE)

_STEPS_OF_WORKER: dict[Step, tuple[Act, ...]] = {
    Step.CLAIMED: (),
    Step.STARTED: (),
    Step.MAIL_BEGUN: (),
    Step.MAIL_SENT: (),
    Step.REPLY_RECEIVED: (),
    Step.ACKNOWLEDGED: (),
    Step.RETRY_SCHEDULED: (_deferred,),
    Step.DUE_MOVED: (_deferred,),
    Step.RESCUE_FOUND: (_kill_worker,),
    Step.RESCUE_MOVED: (_kill_worker,),
    Step.DIED: (_refused,),
}
_STEPS_OF_WEB = (
    Step.COMMENT_COMMITTED,
    Step.OUTBOX_READ,
    Step.ENQUEUED,
    Step.OUTBOX_HANDED_OVER,
    Step.OUTBOX_CONFIRMED,
)
#: Steps that stock Celery's worker passes as well.
_STOCK = (Step.MAIL_BEGUN, Step.MAIL_SENT, Step.REPLY_RECEIVED, *_STEPS_OF_WEB[:2])

KINDS: tuple[Kind, ...] = (
    Kind("worker killed", 12, _kill_worker),
    Kind("worker terminated", 2, _kill("worker", signal.SIGTERM)),
    Kind("worker terminated twice", 2, _terminate_twice),
    Kind("worker paused", 4, _pause_worker),
    Kind("worker paused before its mail", 3, _pause_before_mail),
    Kind("namesake", 1, _namesake),
    Kind("web killed", 6, _kill_one_at_a_time("web")),
    Kind("redis killed", 7, _kill_one_at_a_time("redis")),
    Kind("redis paused", 3, _pause_redis),
    Kind("redis log torn", 2, _torn_log),
    Kind("redis disk full", 2, _full_disk("redis")),
    Kind("web disk full", 2, _full_disk("web")),
    Kind("smtp killed", 6, _kill_one_at_a_time("smtp")),
    Kind("supervisor killed", 0.5, _kill_supervisor),
    Kind("mail slow", 3, _mail("a second slow", {"at": "data", "do": "wait", "seconds": 1.0})),
    Kind("mail 451", 4, _deferred),
    Kind("mail 452", 3, _mail("452 after DATA", {**_DEFER, "at": "reply", "code": 452})),
    Kind("mail 421", 2, _mail("421", {**_DEFER, "at": "mail", "code": 421})),
    Kind("mail 550", 2, _refused),
    Kind("mail closed", 3, _mail("connection closed", {"at": "data", "do": "close"})),
    Kind("mail hangs", 3, _mail("hangs", {"at": "reply", "do": "hang"})),
    Kind("mail reply dropped", 6, _mail("reply dropped", {"at": "reply", "do": "drop_reply"})),
    *(
        Kind(f"worker at {step}", 1.5, _at_step(step, "worker", *acts), stock=step in _STOCK)
        for step, acts in _STEPS_OF_WORKER.items()
    ),
    *(
        Kind(f"web at {step}", 1.5, _at_step(step, "web"), stock=step in _STOCK)
        for step in _STEPS_OF_WEB
    ),
)

#: What shows that a safeguard is needed, when it is left out.
AGAINST: dict[Safeguard, tuple[Kind, ...]] = {
    Safeguard.OUTBOX: (Kind("commit", 1, _at_step(Step.COMMENT_COMMITTED, "web")),),
    Safeguard.ATOMIC_CLAIM: (Kind("popped", 1, _at_step(Step.POPPED, "worker")),),
    Safeguard.RESCUE: (Kind("started", 1, _at_step(Step.STARTED, "worker")),),
    Safeguard.LEASE: (Kind("asleep", 1, _pause_before_mail),),
    Safeguard.DEDUPE: (
        Kind("no reply", 1, _mail("reply dropped", {"at": "reply", "do": "drop_reply"})),
    ),
}
