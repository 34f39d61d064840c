"""The actions of the stage on the running system: one function each."""

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any

import redis

from demo_app.backends.memory import MemoryBackend
from demo_app.blog import posts
from demo_app.broker.connection import Decoded
from demo_app.broker.deaths import note_killed
from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import Worker
from demo_app.broker.web.errors import DomainError
from demo_app.broker.web.redis_state import redis_state
from demo_app.jobs.backend import backend_named
from demo_app.rig import control_pipe
from demo_app.rig.polling import until
from demo_app.settings import BackendName, Safeguard, settings
from demo_app.stage.sink import DOWN, HANG_UP, SLOW
from demo_app.stage.stage import Stage
from demo_app.stage.twin import Twin
from demo_app.web import processes, snapshot
from demo_app.web.comments import Route

BURST = 50
#: The number of comments in the comparison with stock Celery.
COMPARED = 8
#: In the comparison the mail server is so slow that the jobs of both systems still run at the kill.
SLOW_FOR_COMPARISON = {**SLOW, "seconds": 9.0}
#: Timeout of each wait (seconds): for jobs of both systems, and for Redis's end and restart.
PATIENCE = 8.0
#: Threads that post a burst together.
READERS = 8
_NAMES = ("Aoi", "Björn", "Chidi", "Dana", "Emre", "Fatima", "Goran", "Hana")
_numbers = count(1)
#: With this lock, a burst and the action `clean`, which deletes all comments, never overlap.
_posting = threading.Lock()


def _burst(stage: Stage) -> None:
    numbers = [next(_numbers) for _ in range(BURST)]
    with _posting, ThreadPoolExecutor(READERS) as pool:
        list(pool.map(lambda number: _post(stage, number), numbers))


def _post(stage: Stage, number: int, twin: Twin | None = None) -> None:
    comments = stage.comments
    name = _NAMES[number % len(_NAMES)]
    address = f"{name.encode('ascii', 'ignore').decode().lower()}@example.test"
    everyone = posts.all_posts(comments.database)
    post = everyone[number % len(everyone)]
    body = f"A comment from the stage, number {number}."
    comment = comments.accept(post.id, name, address, body)
    comments.relay.wake()
    if twin is not None:
        twin.post(comment.id)


def _living(stage: Stage) -> list[Worker]:
    seen = snapshot.take(stage.queue, stage.comments.backend)
    living = [worker for worker in seen.workers if worker.alive and worker.here]
    if not living:
        raise DomainError(409, "no_worker_here")
    return living


def _kill_worker(stage: Stage) -> None:
    if stage.queue is None:  # jobs in another backend can't be counted by worker
        pid = next(iter(processes.with_role("worker")), 0)
    else:
        pid = max(_living(stage), key=lambda worker: worker.running).pid
    if not processes.send(pid, signal.SIGKILL):
        raise DomainError(409, "not_ours" if pid else "no_worker_here", pid=pid)
    if stage.queue is not None:
        note_killed(stage.queue, pid, by="a person")


def _twin(stage: Stage) -> None:
    """Start a round, post comments here and to stock Celery, kill a busy worker of each system."""
    twin = stage.twin
    if twin is None:
        raise DomainError(409, "no_twin")
    queue = _queue(stage)
    stage.new_round()
    # stock Celery has one worker: pause all but one of ours until the kill
    resting = [worker.id for worker in _living(stage)[1:]]
    try:
        stage.inbox.misbehave(SLOW_FOR_COMPARISON)
        for worker in resting:
            queue.pause(worker, True)
        for _ in range(COMPARED):
            _post(stage, next(_numbers), twin)
        at_once = 2 * min(COMPARED, settings().concurrency)
        # wait until the jobs of both systems are at the same step and send their mails
        until(lambda: stage.inbox.hits() >= at_once, PATIENCE)
        twin.kill()
        _kill_worker(stage)
    finally:
        stage.inbox.misbehave()
        with suppress(redis.RedisError):  # on failure, "start-again" resumes the workers
            for worker in resting:
                queue.pause(worker, False)


def _queue(stage: Stage) -> Queue:
    if stage.queue is None:
        raise DomainError(409, "no_redis")
    return stage.queue


def _our_redis(stage: Stage) -> Decoded:
    client = _queue(stage).client
    try:
        pid = int(redis_state(client).info["process_id"])
    except (redis.ConnectionError, redis.TimeoutError):
        raise DomainError(409, "redis_away") from None
    if pid not in processes.with_role("redis"):
        raise DomainError(409, "not_ours", pid=pid)
    return client


def _kill_redis(stage: Stage) -> None:
    """Let the supervisor kill Redis, and wait until Redis is dead.

    The supervisor restarts Redis after some seconds, so that people see the outage.
    """
    client = _our_redis(stage)
    _send_to_supervisor(control_pipe.OUTAGE)
    with suppress(redis.ConnectionError, redis.TimeoutError):
        until(lambda: not client.ping(), PATIENCE)


def _mail(stage: Stage, mood: str, *rules: dict[str, Any]) -> None:
    now, _ = stage.inbox.mood()
    # pressing the same button again removes the fault
    if not stage.inbox.misbehave(*(() if now == mood else rules)):
        raise DomainError(409, "sink")


def _start_again(stage: Stage) -> None:
    chosen, queue = settings(), stage.queue
    if chosen.control is not None:
        _send_to_supervisor(control_pipe.START_AGAIN)
    _route(stage, chosen.backend)
    stage.inbox.misbehave()
    if queue is None:
        return

    def resumed() -> bool:
        with suppress(redis.ConnectionError, redis.TimeoutError):  # Redis may not have started yet
            for worker in snapshot.take(queue, stage.comments.backend).workers:
                if worker.paused:
                    queue.pause(worker.id, False)
            _hold_queues(stage, False)
            return True
        return False

    until(resumed, PATIENCE)


def _clean(stage: Stage) -> None:
    client = _our_redis(stage)
    comments = stage.comments
    memory = backend_named(BackendName.MEMORY)
    _route(stage, settings().backend)  # later comments use the configured backend again
    with _posting:
        for worker in snapshot.take(stage.queue, comments.backend).workers:
            if worker.running:  # this worker would still send mails after the inbox is cleared
                processes.send(worker.pid, signal.SIGKILL)
        if stage.twin is not None:
            stage.twin.kill()
        posts.delete_all_comments(comments.database)
        client.flushall()
    if isinstance(memory, MemoryBackend):
        memory.forget()
    stage.new_round()
    _start_again(stage)
    stage.inbox.clear()  # clear the inbox last: a worker may have sent a mail before its death


def _send_to_supervisor(request: bytes) -> None:
    control = settings().control
    if control is None or not control_pipe.send(control, request):
        raise DomainError(409, "no_supervisor")


def _hold_queues(stage: Stage, paused: bool) -> None:
    for name in settings().queues:
        _queue(stage).pause_queue(name, paused)


def _route(stage: Stage, name: str) -> None:
    configured = settings().backend
    if name == BackendName.CELERY and configured != name:
        raise DomainError(409, "no_celery", backend=configured)
    # the relay enqueues only in the configured backend. Jobs of another backend (`inline` or
    # `memory`) do not go through the outbox: they are only in this process's memory
    use_outbox = name == configured and settings().has(Safeguard.OUTBOX)
    stage.comments.use(Route(backend_named(name), use_outbox))


#: The actions by name. The route `do` runs `kill-web` itself, after its response.
ACTIONS: dict[str, Callable[[Stage], None]] = {
    "comment": lambda stage: _post(stage, next(_numbers)),
    "burst": _burst,
    "slow-mail": lambda stage: _mail(stage, "slow", SLOW),
    "no-mail": lambda stage: _mail(stage, "down", DOWN, HANG_UP),
    "kill-worker": _kill_worker,
    "kill-redis": _kill_redis,
    "wipe-redis": lambda stage: _our_redis(stage).flushall(),
    "kill-web": lambda _: None,
    "start-again": _start_again,
    "hold-queue": lambda stage: _hold_queues(stage, True),
    "let-queue": lambda stage: _hold_queues(stage, False),
    "inline": lambda stage: _route(stage, BackendName.INLINE),
    "memory": lambda stage: _route(stage, BackendName.MEMORY),
    "celery": lambda stage: _route(stage, BackendName.CELERY),
    "clean": _clean,
    "twin": _twin,
    "new-round": Stage.new_round,
}
#: The actions that break nothing. They work also without `--controls`.
HARMLESS = ("comment", "burst", "new-round")
