"""Pages from templates that escape whatever is put into them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from demo_app.broker.events import State, moment_of
from demo_app.settings import settings
from demo_app.shared import language as languages
from demo_app.shared.escape import escape_invisible
from demo_app.shared.language import LANGUAGE_COOKIE, LANGUAGES, Translations

_YEAR = 31_536_000  # seconds
#: No page of ours is deeper; a stranger's address of slashes would make a page of dots.
_DEEPEST = 8

#: Whatever is put into a page goes through `escape_invisible`, but for what a form must send back
#: `exact`ly.
_folders: list[BaseLoader] = [PackageLoader("demo_app.web", "pages")]
_pages = Environment(
    loader=ChoiceLoader(_folders),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=lambda value: value if isinstance(value, Markup) else escape_invisible(value),
    trim_blocks=True,
    lstrip_blocks=True,
)


#: The packages whose sentences are known.
_packages = ["demo_app.web"]


def add_pages(package: str) -> None:
    """Know the pages in that package's folder `pages` as well, and its sentences."""
    _folders.append(PackageLoader(package, "pages"))
    _packages.append(package)


def translations(language: str) -> Translations:
    """Return the sentences of a language."""
    return languages.translations(language, *_packages)


def language_of(request: Request) -> str:
    """Return the language of the address, else the one chosen before, else the browser's."""
    return languages.language_of(request.headers, request.query_params.get("lang", ""))


def render(request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return the page of that name, filled in, in the reader's language."""
    language, path, asked = language_of(request), request.scope["path"], request.query_params
    context = {
        "t": translations(language),
        "language": language,
        "languages": LANGUAGES,
        # the relative way to the app's root, so that links work behind any prefix
        "root": "../" * min(path.count("/") - 1, _DEEPEST) or "./",
        "path": path,
        # a page about a bug may be made outside of the app
        "rooms": getattr(getattr(request.scope.get("app"), "state", None), "rooms", ()),
        "query": partial(_query, asked),
        "said": asked.get("said", ""),
        "holder": request.scope.get("holder", False),
        "controls": settings().controls,
        "lease": settings().lease_seconds,
        "now": time.time(),
        "state": None,
        "states": [state.value for state in State],
    }
    page = _pages.get_template(name).render(context | values)
    answer = HTMLResponse(page, status_code=status)
    if asked.get(LANGUAGE_COOKIE) in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, language, max_age=_YEAR, samesite="strict", httponly=True
        )
    return answer


def _query(asked: Mapping[str, str], **changes: object) -> str:
    """Return the page's query string with some values changed (None: left out)."""
    kept = {key: value for key, value in asked.items() if key != "token"}
    wanted = {key: value for key, value in {**kept, **changes}.items() if value is not None}
    return f"?{urlencode(wanted)}"


def arguments(given: dict[str, Any] | None) -> str:
    """Return arguments for a person, as in ``comment_id=5``; "" for those of an ended job."""
    return ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False, default=str)}"
        for name, value in (given or {}).items()
    )


def span(seconds: float) -> str:
    """Return a duration in short; a negative one counts as none."""
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86400:.0f} d"


def clock(seconds: float, *, exact: bool = True) -> str:
    """Return a time as this machine's clock shows it, with its day if that is not today."""
    moment = datetime.fromtimestamp(moment_of(seconds))
    told = moment.isoformat(" ", "milliseconds" if exact else "seconds")
    return told.partition(" ")[2] if moment.date() == datetime.now().date() else told


def iso(seconds: float) -> str:
    """Return a time in ISO 8601."""
    moment = datetime.fromtimestamp(moment_of(seconds)).astimezone()
    return moment.isoformat(timespec="milliseconds")


_pages.filters.update(
    exact=escape,
    arguments=arguments,
    span=span,
    clock=clock,
    iso=iso,
    number="{:,}".format,
    short=lambda task: task.rpartition(".")[2],
    failures=lambda job: [event for event in job.timeline if event.error_class],
    pretty=lambda value: json.dumps(value, indent=2, ensure_ascii=False, default=str),
)
for _name in ("front.html", "post.html", "error.html"):
    _pages.get_template(_name)  # compiled now, so that the first reader does not wait for it
