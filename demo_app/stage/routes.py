"""The stage: one picture of the real system for a whole room, and the buttons that disturb it."""

from __future__ import annotations

import os
import signal
import time
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from demo_app.settings import settings
from demo_app.stage.actions import ACTIONS, BURST, HARMLESS
from demo_app.stage.phones import address_for_phones, qr_code
from demo_app.stage.show import show_named, state_of, steps
from demo_app.stage.stage import TAPE, Stage
from demo_app.web.errors import DomainError
from demo_app.web.templates import render
from demo_app.web.translations import language_of, translations

#: No moment is later, in seconds since the epoch.
LATEST = 4e10
router = APIRouter(prefix="/stage", tags=["stage"], include_in_schema=False)


async def _stage(request: Request) -> Stage:
    stage: Stage = request.app.state.stage
    return stage


StageDep = Annotated[Stage, Depends(_stage)]


@router.get("", response_class=HTMLResponse)
def page(
    request: Request,
    stage: StageDep,
    at: Annotated[float | None, Query(ge=0, le=LATEST)] = None,
    since: Annotated[float | None, Query(ge=0, le=LATEST)] = None,
    until: Annotated[float | None, Query(ge=0, le=LATEST)] = None,
    show: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The page, at this moment or, in a replay, as it was `at` that one (epoch seconds).

    since, until: where the tape begins and ends; if it is not said, ten minutes ago and now.
    show: the name of one to play.

    Without JavaScript it is the text equivalent, and its buttons are forms.
    """
    replay = at is not None and stage.queue is not None
    end = time.time() if until is None else until
    tape = (at or 0.0, end - TAPE if since is None else since, end)
    picture = stage.replay(*tape) if replay else stage.picture()
    in_words = picture.in_words(translations(language_of(request)))
    twin = stage.twin.picture() if stage.twin is not None and not replay else None
    values: dict[str, Any] = {"picture": picture, "in_words": in_words, "replay": replay}
    values |= {"show_steps": steps(show, language_of(request)) if show else []}
    values |= {"show_state": state_of(picture), "twin": twin, "burst": BURST}
    phones = address_for_phones(request.url.port) if show else ""
    values |= {"phones": phones, "qr_code": qr_code(phones) if phones else ""}
    return render(request, "stage.html", **values)


@router.get("/notes", response_class=HTMLResponse)
def notes(
    request: Request, show: Annotated[str, Query(max_length=100)] = "four-minutes"
) -> Response:
    """The speaker's second window: what to say, what comes next, and the time that is left."""
    values: dict[str, Any] = {"show": show, "minutes": show_named(show).minutes}
    values["show_steps"] = steps(show, language_of(request))
    return render(request, "notes.html", **values)


@router.post("/do/{action}")
def do(request: Request, stage: StageDep, action: str, later: BackgroundTasks) -> Response:
    """Do one of the actions. Answers 204 to the page's script, and leads a plain form back."""
    if action not in ACTIONS:
        raise DomainError(404, "no_action", action=action)
    if action not in HARMLESS and not settings().controls:
        raise DomainError(403, "controls")
    if action == "kill-web":  # once it has answered
        later.add_task(os.kill, os.getpid(), signal.SIGKILL)
    else:
        ACTIONS[action](stage)
    if request.headers.get("accept", "").startswith("text/html"):
        return RedirectResponse("../../stage", 303, background=later)
    return Response(status_code=204, background=later)
