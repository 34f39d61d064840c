"""Access to the web app: the sink's guard, with the blog open to every reader."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from demo_app.shared.guard import Guard
from demo_app.web.errors import DomainError, error_response

COOKIE = "demo_token"
GUARDED = ("/jobs", "/stage", "/inbox", "/api/jobs", "/api/events", "/metrics", "/openapi.json")
#: Where the token stays in the address: no browser remembers these.
_FOR_PROGRAMS = ("/api/", "/metrics", "/openapi.json")


class BlogGuard(Guard):
    """Refuses in the reader's language; nothing but the blog opens without the token."""

    #: Nothing inline, nothing from elsewhere, no frame but our own (JupyterLab's proxy is one).
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
    )
    cookie_path = "/"

    def refuse(self, scope: Scope, status: int) -> Response:
        """Return a page for a browser, and JSON for a program."""
        headers = {"www-authenticate": "Bearer"} if status == 401 else None
        return error_response(Request(scope), DomainError(status, str(status), headers))

    def needs_token(self, path: str) -> bool:
        """Return True for all that shows jobs or changes them."""
        return path.startswith(GUARDED)

    def is_page(self, path: str) -> bool:
        """Return True for all that is not for programs."""
        return not path.startswith(_FOR_PROGRAMS)
