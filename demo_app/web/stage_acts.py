"""What an instructor can do to the running system from the stage: one function an act."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any

import redis
from fastapi import HTTPException, Request

from demo_app import control_pipe as control
from demo_app.blog import posts
from demo_app.jobs.backend import backend_named
from demo_app.settings import BackendName, Safeguard, settings
from demo_app.web import processes, snapshot
from demo_app.web.inbox import DOWN, HANG_UP, SLOW
from demo_app.web.stage import Stage

BURST = 50
#: Readers who post a burst at the same time.
READERS = 8
_NAMES = ("Aoi", "Björn", "Chidi", "Dana", "Emre", "Fatima", "Goran", "Hana")
_said = count(1)


def _comment(request: Request) -> None:
    _post(request, next(_said), first=True)


def _burst(request: Request) -> None:
    numbers = [next(_said) for _ in range(BURST)]
    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(lambda number: _post(request, number, first=False), numbers))


def _post(request: Request, number: int, *, first: bool) -> None:
    desk = stage_of(request).desk
    name = _NAMES[number % len(_NAMES)]
    everyone = posts.all_posts(desk.database)
    post = everyone[number % len(everyone)]
    desk.accept(post.id, name, f"{name.encode('ascii', 'ignore').decode().lower()}@example.test",
                f"A comment from the stage, number {number}.", first=first)  # fmt: skip
    desk.relay.wake()


def _kill_worker(request: Request) -> None:
    stage = stage_of(request)
    seen = snapshot.take(stage.store, stage.desk.backend)
    living = [worker for worker in seen.workers if worker.alive and worker.here]
    if not living:
        raise HTTPException(409, "No worker lives on this machine.")
    victim = max(living, key=lambda worker: worker.running)
    if not processes.send(victim.pid, processes.is_our_worker, signal.SIGKILL):
        raise HTTPException(409, f"The process {victim.pid} is none of this stack's.")


def _kill_redis(request: Request) -> None:
    stage = stage_of(request)
    if stage.store is None:
        raise HTTPException(409, "No Redis takes part in this.")
    try:
        pid = snapshot.redis_state(stage.store.client).pid
    except (redis.ConnectionError, redis.TimeoutError):
        raise HTTPException(409, "Redis is away already.") from None
    if not processes.send(pid, processes.is_our_redis, signal.SIGKILL):
        raise HTTPException(409, "This Redis is none of this stack's.")


def _mail(*rules: dict[str, Any]) -> Callable[[Request], None]:
    def act(request: Request) -> None:
        inbox = stage_of(request).inbox
        wanted = {str(rule["at"]) for rule in rules}
        mood, _ = inbox.mood()
        # the same button again takes the fault away
        again = (mood == "slow" and "data" in wanted) or (mood == "down" and "connect" in wanted)
        if not inbox.misbehave(*(() if again else rules)):
            raise HTTPException(409, "The mail sink does not answer.")

    return act


def _start_again(request: Request) -> None:
    """All is well again: what died is started, the mail server has no faults, workers are awake,
    and the configured backend is in use."""
    stage, chosen = stage_of(request), settings()
    if chosen.control is not None and not control.ask(chosen.control):
        raise HTTPException(409, "Nobody is there who could start what is dead.")
    _switch(chosen.backend)(request)
    stage.inbox.misbehave()
    if stage.store is None:
        return
    with suppress(redis.ConnectionError, redis.TimeoutError):  # dead, and about to come back
        for worker in snapshot.take(stage.store, stage.desk.backend).workers:
            if worker.quiet:
                stage.store.quiet(worker.id, False)


def _switch(name: str) -> Callable[[Request], None]:
    def act(request: Request) -> None:
        desk, configured = stage_of(request).desk, settings().backend
        if name == BackendName.CELERY and configured != name:
            raise HTTPException(409, f"This stack was started with {configured}: no worker lives.")
        desk.backend = backend_named(name)
        desk.used.add(desk.backend.name)
        # what runs in this process's memory is not handed over by the relay, and dies with it
        desk.use_outbox = name == configured and settings().has(Safeguard.OUTBOX)

    return act


def stage_of(request: Request) -> Stage:
    """The stage of the app that was asked."""
    stage: Stage = request.app.state.stage
    return stage


#: By name. `kill-web` is done by the page itself, once it has answered.
ACTS: dict[str, Callable[[Request], None]] = {
    "comment": _comment,
    "burst": _burst,
    "slow-mail": _mail(SLOW),
    "no-mail": _mail(DOWN, HANG_UP),
    "kill-worker": _kill_worker,
    "kill-redis": _kill_redis,
    "kill-web": lambda _: None,
    "start-again": _start_again,
    "inline": _switch(BackendName.INLINE),
    "memory": _switch(BackendName.MEMORY),
    "celery": _switch(BackendName.CELERY),
    "new-round": lambda request: stage_of(request).new_round(),
}
#: Those that need a teaching stack.
LAB_ACTS = frozenset(ACTS) - {"comment", "burst", "new-round"}
