"""The routes of the stage: its page, the speaker's notes, and the actions."""

import os
import signal
import time
from contextlib import suppress
from typing import Annotated, Any

import redis
from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from demo_app.broker.web.errors import DomainError
from demo_app.broker.web.templates import language_of, render, sentences_for
from demo_app.settings import settings
from demo_app.stage.actions import ACTIONS, BURST, HARMLESS
from demo_app.stage.phones import address_for_phones, qr_code
from demo_app.stage.show import reached, show_named, state_of, steps
from demo_app.stage.stage import TAPE, Stage

#: The latest valid moment (epoch seconds).
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
    """Show the stage. Without JavaScript the page is a text, and its buttons are forms.

    Args:
        at: the moment of a replay (epoch seconds); None for now.
        since: the start of the tape (epoch seconds); None for ten minutes before `until`.
        until: the end of the tape (epoch seconds); None for now.
        show: the name of a show to play; "" for none.
    """
    end = time.time() if until is None else until
    begin, picture = end - TAPE if since is None else since, None
    if at is not None and stage.queue is not None:
        with suppress(redis.ConnectionError, redis.TimeoutError):  # show the present instead
            picture = stage.replay(begin, end, at)
    picture = picture or stage.picture()
    twin = stage.twin.picture() if stage.twin is not None and picture.moment is None else None
    phones = address_for_phones(settings().web_port) if show else ""
    played = _steps(request, stage, show) if show else []
    state = state_of(picture, twin)
    return render(
        request,
        "stage.html",
        picture=picture,
        replay=picture.moment is not None,
        in_words=picture.in_words(sentences_for(request)),
        show_steps=played,
        show_state={**state, "reached": reached(played, state)},
        twin=twin,
        burst=BURST,
        votes=list(stage.votes.values()),
        phones=phones,
        qr_code=qr_code(phones) if phones else "",
    )


def _steps(request: Request, stage: Stage, show: str) -> list[dict[str, Any]]:
    found = steps(show, language_of(request))
    return [step for step in found if stage.twin is not None or step["view"] != "split"]


@router.get("/notes", response_class=HTMLResponse)
def notes(
    request: Request, stage: StageDep, show: Annotated[str, Query(max_length=100)] = "four-minutes"
) -> Response:
    """Show the speaker's second window: notes, the next caption, and the remaining time."""
    played = _steps(request, stage, show)
    minutes = show_named(show).minutes
    return render(request, "notes.html", show=show, minutes=minutes, show_steps=played)


@router.post("/do/{action}")
def do(request: Request, stage: StageDep, action: str, later: BackgroundTasks) -> Response:
    """Run an action. Return 204 to the page's script, and redirect a plain form to the stage."""
    if action not in ACTIONS:
        raise DomainError(404, "no_action", action=action)
    if action not in HARMLESS and not settings().controls:
        raise DomainError(403, "no_controls")
    if action == "kill-web":  # after the response
        later.add_task(os.kill, os.getpid(), signal.SIGKILL)
    else:
        ACTIONS[action](stage)
    if request.headers.get("accept", "").startswith("text/html"):
        return RedirectResponse("../../stage", 303, background=later)
    return Response(status_code=204, background=later)
