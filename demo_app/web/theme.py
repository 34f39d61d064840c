"""Whether a reader wants the pages light or dark."""

from __future__ import annotations

from starlette.requests import Request

from local_smtp.web.guard import cookie_of

COOKIE = "theme"
#: `auto` is what the browser says.
THEMES = ("auto", "light", "dark")


def theme_of(request: Request) -> str:
    """What the address asks for, else what was chosen before; "" for what the browser says."""
    asked = request.query_params.get("theme") or cookie_of(request.headers, COOKIE)
    return asked if asked in THEMES and asked != "auto" else ""
