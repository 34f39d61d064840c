"""The stage: one picture of the real system for a whole room, and the buttons that disturb it."""

from __future__ import annotations

import os
import signal
from typing import Any

from fastapi import APIRouter, BackgroundTasks, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from demo_app.blog import posts
from demo_app.broker.queue import Queue
from demo_app.settings import settings
from demo_app.web.events import as_json
from demo_app.web.stage import COUNTED
from demo_app.web.stage_acts import ACTS, BURST, LAB_ACTS, stage_of
from demo_app.web.templates import render
from demo_app.web.words import language_of, words

router = APIRouter(prefix="/stage", tags=["stage"], include_in_schema=False)
#: Events of the journal that a replay holds at the most.
REPLAY = 1500


@router.get("", response_class=HTMLResponse)
def stage(request: Request) -> Response:
    """The page; without JavaScript it is the text equivalent, and its buttons are forms."""
    seen = stage_of(request).state()
    in_words = told(seen, language_of(request))
    return render(request, "stage.html", now_on=seen, told=in_words, burst=BURST, state=None)


@router.get("/state")
def state(request: Request) -> dict[str, Any]:
    """Everything that the picture needs, and the same in words."""
    seen = stage_of(request).state()
    return {**seen, "told": told(seen, language_of(request))}


@router.get("/last-minute")
def last_minute(request: Request) -> list[dict[str, Any]]:
    """What the journal says of the last 60 seconds, the oldest first."""
    store: Queue | None = request.app.state.store
    if store is None:
        return []
    seconds, _ = store.client.time()
    since = (int(seconds) - 60) * 1000
    rows: Any = store.client.xrevrange("journal", min=since, count=REPLAY)
    events = [as_json(entry, fields) for entry, fields in reversed(rows)]
    newest = posts.newest_notices(stage_of(request).desk.database, COUNTED)
    numbers = {notice.job_id: notice.comment_id for notice in newest}
    return [{**event, "n": numbers.get(event["job"])} for event in events]


@router.post("/do/{act}")
def do(request: Request, act: str, later: BackgroundTasks) -> Response:
    """Play one of the acts. Answers 204 to the page's script, and leads a plain form back."""
    if act not in ACTS:
        raise HTTPException(404, f"There is no act {act!r}.")
    if act in LAB_ACTS and not settings().controls:
        raise HTTPException(403, "Only a teaching stack can be disturbed from here.")
    if act == "kill-web":
        later.add_task(os.kill, os.getpid(), signal.SIGKILL)
    else:
        ACTS[act](request)
    if request.headers.get("accept", "").startswith("text/html"):
        return RedirectResponse("../../stage", 303, background=later)
    return Response(status_code=204, background=later)


def told(seen: dict[str, Any], language: str) -> str:
    """The picture in words, for a screen reader and for the last row."""
    t, sums = words(language), seen["sums"]
    sentences = [t("stage.told.sums", **sums) if sums["posted"] else t("stage.told.start")]
    if seen["dead"]:
        sentences.append(t("stage.told.dead", n=seen["dead"]))
    if seen["redis"] is False:
        sentences.append(t("stage.told.redis_away"))
    dead = [worker for worker in seen["workers"] if not worker["alive"]]
    if dead:
        held = sum(worker["running"] for worker in dead)
        sentences.append(t("stage.told.worker_dead", n=len(dead), jobs=held))
    if seen["mail"] in ("slow", "down", "away"):
        sentences.append(t(f"stage.told.mail_{seen['mail']}"))
    return " ".join(sentences)
