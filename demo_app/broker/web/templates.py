"""Pages from templates with automatic escaping, and their translations."""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.datastructures import QueryParams

from ..events import State, moment_of
from .shared import language as languages
from .shared.escape import escape_invisible
from .shared.headers import path_in_app
from .shared.language import LANGUAGE_COOKIE, LANGUAGES, Translations

_YEAR = 31_536_000  # seconds
#: The depth of the deepest page: `root` has at most this many "../", whatever the address is.
_DEEPEST = 8
_OURS = __package__ or ""


class Pages:
    """The pages of one web app, in `app.state.pages`.

    A template of an added package replaces our template with the same name, and may extend it as
    ``dashboard/NAME``. The package's translations replace ours with the same keys.

    Attributes:
        title: the name in the header; "" for the translation of `site.title`.
        rooms: the addresses of further pages, for links in the header.
        values: variables of every template, in addition to those passed to `render`.
    """

    def __init__(self, *packages: str, **values: object) -> None:
        self.title, self.values = "", values
        self.rooms: list[str] = []
        ours = PackageLoader(_OURS, "pages")
        self._packages, self._folders = [_OURS], [ours]
        # Every value goes through `escape_invisible`, except values with the filter `exact`, which
        # a form must send back unchanged.
        self._templates = Environment(
            loader=ChoiceLoader([ChoiceLoader(self._folders), PrefixLoader({"dashboard": ours})]),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=lambda value: value if isinstance(value, Markup) else escape_invisible(value),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(_FILTERS)
        for package in packages:
            self.add(package)

    def add(self, package: str) -> None:
        self._folders.insert(0, PackageLoader(package, "pages"))
        self._packages.append(package)

    def translations(self, language: str) -> Translations:
        return languages.translations(language, *self._packages)

    def page(self, name: str, values: Mapping[str, object]) -> str:
        return self._templates.get_template(name).render({**self.values, **values})


def pages_of(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


def language_of(request: Request) -> str:
    """Return the language in the address (`lang`), or else in the cookie, or else the browser's."""
    return languages.language_of(request.headers, request.query_params.get("lang", ""))


def sentences_for(request: Request) -> Translations:
    return pages_of(request).translations(language_of(request))


def render(request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    pages, language = pages_of(request), language_of(request)
    t = pages.translations(language)
    path, parameters = path_in_app(request.scope), request.query_params
    context = {
        "t": t,
        "title": pages.title or t("site.title"),
        "language": language,
        "languages": LANGUAGES,
        # the relative path to the app's root, so that links work behind any prefix
        "root": "../" * min(path.count("/") - 1, _DEEPEST) or "./",
        "path": path,
        "rooms": pages.rooms,
        "query": partial(_query, parameters),
        "done": parameters.get("done", ""),
        "holder": request.scope.get("holder", False),
        "now": time.time(),
        "state": None,
        "states": [state.value for state in State],
    }
    page = HTMLResponse(pages.page(name, context | values), status_code=status)
    if parameters.get(LANGUAGE_COOKIE) in LANGUAGES:
        page.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR, samesite="strict", httponly=True)
    return page


def _query(parameters: QueryParams, **changes: object) -> str:
    kept = [one for one in parameters.multi_items() if one[0] not in {"token", *changes}]
    return f"?{urlencode([*kept, *(one for one in changes.items() if one[1] is not None)])}"


def arguments(given: dict[str, Any] | None) -> str:
    """Format a job's arguments for a page, as in ``5, note="x"``.

    Returns "" if the arguments are no longer stored, as for a done or discarded job.
    """
    return ", ".join(
        # a positional argument has its number as its name
        ("" if name.isdigit() else f"{name}=") + json.dumps(value, ensure_ascii=False, default=str)
        for name, value in (given or {}).items()
    )


def span(seconds: float) -> str:
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
    """Return a time in this machine's time zone, with its date if that is not today."""
    moment = datetime.fromtimestamp(moment_of(seconds))
    text = moment.isoformat(" ", "milliseconds" if exact else "seconds")
    return text.partition(" ")[2] if moment.date() == datetime.now().date() else text


def iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(moment_of(seconds)).astimezone()
    return moment.isoformat(timespec="milliseconds")


_FILTERS: dict[str, Any] = {
    "exact": escape,
    "arguments": arguments,
    "span": span,
    "clock": clock,
    "iso": iso,
    "number": "{:,}".format,
    "short": lambda task: task.rpartition(".")[2],
    "failures": lambda job: [event for event in job.timeline if event.error_class],
    "pretty": lambda value: json.dumps(value, indent=2, ensure_ascii=False, default=str),
}
