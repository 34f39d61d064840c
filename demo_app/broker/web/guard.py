"""Access control: a request needs the token, and may not come from another site's page."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from .errors import error_response
from .shared.guard import Guard

#: Paths for programs: the guard does not move the token of such a URL into a cookie.
_FOR_PROGRAMS = ("/api/", "/metrics", "/openapi.json")


class PageGuard(Guard):
    """A guard with refusals in the reader's language.

    All paths need the token, except static files.
    """

    cookie_path = "/"

    def __init__(
        self, app: ASGIApp, token: str, cookie: str, *, authenticated: bool = False
    ) -> None:
        super().__init__(app, token, cookie)
        self._authenticated = authenticated

    def holds_token(self, request: Request) -> bool:
        return self._authenticated or super().holds_token(request)

    def refuse(self, request: Request, error: HTTPException) -> Response:
        return error_response(request, error)

    def needs_token(self, path: str) -> bool:
        return not path.startswith("/static/")

    def is_page(self, path: str) -> bool:
        return not path.startswith(_FOR_PROGRAMS)
