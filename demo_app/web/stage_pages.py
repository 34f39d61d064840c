"""The stage: one picture of the real system for a whole room, and the buttons that disturb it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any

import redis
from fastapi import APIRouter, BackgroundTasks, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from demo_app import control
from demo_app.blog import posts
from demo_app.jobs.backends import backend_named
from demo_app.queue.store import Store
from demo_app.settings import BackendName, Safeguard, settings
from demo_app.web import processes, snapshot
from demo_app.web.events import as_json
from demo_app.web.inbox import DOWN, SLOW
from demo_app.web.stage import COUNTED, Stage
from demo_app.web.templates import render
from demo_app.web.words import language_of, words

router = APIRouter(prefix="/stage", tags=["stage"], include_in_schema=False)
BURST = 50
#: Readers who post a burst at the same time.
READERS = 8
#: Events of the journal that a replay holds at the most.
REPLAY = 1500
_NAMES = ("Aoi", "Björn", "Chidi", "Dana", "Emre", "Fatima", "Goran", "Hana")
_said = count(1)


@router.get("", response_class=HTMLResponse)
def stage(request: Request) -> Response:
    """The page; without JavaScript it is the text equivalent, and its buttons are forms."""
    return render(request, "stage.html", now_on=_stage(request).state(), burst=BURST, state=None)


@router.get("/state")
def state(request: Request) -> dict[str, Any]:
    """Everything that the picture needs, and the same in words."""
    seen = _stage(request).state()
    return {**seen, "told": told(seen, language_of(request))}


@router.get("/last-minute")
def last_minute(request: Request) -> list[dict[str, Any]]:
    """What the journal says of the last 60 seconds, the oldest first."""
    store: Store | None = request.app.state.store
    if store is None:
        return []
    seconds, _ = store.client.time()
    since = (int(seconds) - 60) * 1000
    rows: Any = store.client.xrevrange("journal", min=since, count=REPLAY)
    events = [as_json(entry, fields) for entry, fields in reversed(rows)]
    newest = posts.newest_notices(_stage(request).desk.database, COUNTED)
    numbers = {notice.job_id: notice.comment_id for notice in newest}
    return [{**event, "n": numbers.get(event["job"])} for event in events]


@router.post("/do/{act}")
def do(request: Request, act: str, later: BackgroundTasks) -> Response:
    """Play one of the acts. Answers 204 to the page's script, and leads a plain form back."""
    if act not in _ACTS:
        raise HTTPException(404, f"There is no act {act!r}.")
    if act in _LAB_ACTS and not settings().lab:
        raise HTTPException(403, "Only a teaching stack can be disturbed from here.")
    if act == "kill-web":
        later.add_task(os.kill, os.getpid(), signal.SIGKILL)
    else:
        _ACTS[act](request)
    if request.headers.get("accept", "").startswith("text/html"):
        return RedirectResponse("../../stage", 303, background=later)
    return Response(status_code=204, background=later)


def told(seen: dict[str, Any], language: str) -> str:
    """The picture in words, for a screen reader and for the last row."""
    t, sums = words(language), seen["sums"]
    sentences = [t("stage.told.sums", **sums)]
    if seen["redis"] is False:
        sentences.append(t("stage.told.redis_away"))
    dead = [worker for worker in seen["workers"] if not worker["alive"]]
    if dead:
        held = sum(worker["running"] for worker in dead)
        sentences.append(t("stage.told.worker_dead", n=len(dead), jobs=held))
    if seen["mail"] in ("slow", "down", "away"):
        sentences.append(t(f"stage.told.mail_{seen['mail']}"))
    return " ".join(sentences)


def _comment(request: Request) -> None:
    _post(request, next(_said), first=True)


def _burst(request: Request) -> None:
    numbers = [next(_said) for _ in range(BURST)]
    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(lambda number: _post(request, number, first=False), numbers))


def _post(request: Request, number: int, *, first: bool) -> None:
    desk = _stage(request).desk
    name = _NAMES[number % len(_NAMES)]
    everyone = posts.all_posts(desk.database)
    post = everyone[number % len(everyone)]
    desk.accept(post.id, name, f"{name.encode('ascii', 'ignore').decode().lower()}@example.test",
                f"A comment from the stage, number {number}.", first=first)  # fmt: skip


def _kill_worker(request: Request) -> None:
    stage = _stage(request)
    seen = snapshot.take(stage.store, stage.desk.backend)
    living = [worker for worker in seen.workers if worker.alive and worker.here]
    if not living:
        raise HTTPException(409, "No worker lives on this machine.")
    victim = max(living, key=lambda worker: worker.running)
    if not processes.send(victim.pid, processes.is_our_worker, signal.SIGKILL):
        raise HTTPException(409, f"The process {victim.pid} is none of this stack's.")


def _kill_redis(request: Request) -> None:
    stage = _stage(request)
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
        inbox = _stage(request).inbox
        wanted = {str(rule["at"]) for rule in rules}
        mood = inbox.mood()
        # the same button again takes the fault away
        again = (mood == "slow" and "data" in wanted) or (mood == "down" and "connect" in wanted)
        if not inbox.misbehave(*(() if again else rules)):
            raise HTTPException(409, "The mail sink does not answer.")

    return act


def _start_again(request: Request) -> None:
    """All is well again: what died is started, the mail server has no faults, workers are awake,
    and the configured backend is in use."""
    stage, chosen = _stage(request), settings()
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


def _switch(name: BackendName) -> Callable[[Request], None]:
    def act(request: Request) -> None:
        desk, configured = _stage(request).desk, settings().backend
        if name is BackendName.CELERY and configured is not name:
            raise HTTPException(409, f"This stack was started with {configured}: no worker lives.")
        desk.backend = backend_named(name)
        desk.used.add(desk.backend.name)
        # what runs in this process's memory is not handed over by the relay, and dies with it
        desk.use_outbox = name is configured and settings().has(Safeguard.OUTBOX)

    return act


def _stage(request: Request) -> Stage:
    stage: Stage = request.app.state.stage
    return stage


_ACTS: dict[str, Callable[[Request], None]] = {
    "comment": _comment,
    "burst": _burst,
    "slow-mail": _mail(SLOW),
    "no-mail": _mail(DOWN),
    "kill-worker": _kill_worker,
    "kill-redis": _kill_redis,
    "kill-web": lambda _: None,
    "start-again": _start_again,
    "inline": _switch(BackendName.INLINE),
    "memory": _switch(BackendName.MEMORY),
    "celery": _switch(BackendName.CELERY),
    "new-round": lambda request: _stage(request).new_round(),
}
_LAB_ACTS = frozenset(_ACTS) - {"comment", "burst", "new-round"}
