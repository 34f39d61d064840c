"""A guard for a local app: it requires the app's token, and refuses requests of other sites.

A page of another site in the same browser must not reach the app. The guard recognises the page's
requests by Sec-Fetch-Site (in older browsers, by Origin). Starlette refuses a foreign Host header.
"""

import secrets
from urllib.parse import quote

from fastapi.security.utils import get_authorization_scheme_param
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .headers import READING, opens_a_page, path_in_app, same_origin

#: Limit of a request's body (bytes); a larger body gets 413.
REQUEST_BODY_BYTES = 256 * 1024
_FORM = "application/x-www-form-urlencoded"

#: The host names by which browsers on this machine open an app.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

#: Inline code and other origins are forbidden. Frames are allowed: a page shows the HTML of a mail
#: in a frame with its own policy, and JupyterLab's proxy shows the apps in frames.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none';"
    " form-action 'self'"
)

_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_COOKIE_SECONDS = 30 * 24 * 3600


def _body_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def host_pattern(host: str) -> str:
    """Return a host from the settings as a pattern for `TrustedHostMiddleware`."""
    return f"[{host}]" if ":" in host else host.lower()


class Guard:
    """ASGI middleware that refuses requests, limits their bodies, and adds security headers.

    Each app has a subclass, which overrides the public members.
    """

    # Accepted types of bodies; others get 415. A request without a body has no type.
    bodies: tuple[str, ...] = ("", "application/json", _FORM)
    # The cookie's path. If it is None, the browser uses the page's folder, also behind a proxy.
    cookie_path: str | None = None

    def __init__(self, app: ASGIApp, token: str, cookie: str) -> None:
        self._app, self._token, self._cookie = app, token, cookie

    def refuse(self, request: Request, error: HTTPException) -> Response:
        """Return the response to a refused request, in the form of the app's other errors.

        Args:
            error: 401 without the token, 403 from another site, 415 for a body of another type.
        """
        raise NotImplementedError

    def needs_token(self, path: str) -> bool:
        return True

    def is_page(self, path: str) -> bool:
        """Return True if a browser may open this path with the token in the URL."""
        return path == "/"

    def holds_token(self, request: Request) -> bool:
        _, bearer = get_authorization_scheme_param(request.headers.get("authorization"))
        parameter = request.query_params.get("token", "")
        return any(map(self._is_token, (parameter, bearer, request.cookies.get(self._cookie, ""))))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, redirect a browser with the token in its URL, or call the app.

        For the app, `scope["holder"]` is True if the request has the token.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
            await send(message)

        request, received = Request(scope), 0
        is_form = _body_type(request) == _FORM

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            body = message.get("body", b"")
            received += len(body)
            if received > REQUEST_BODY_BYTES:
                raise HTTPException(413)
            # browsers send forms in ASCII; decoding other bytes would take up to 0.1 s
            if is_form and not body.isascii():
                raise HTTPException(400)
            return message

        app = self._answer(request) or self._app
        # handle HEAD like GET: the server omits the body of the response
        as_get = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        await app(as_get, receive_limited, send_guarded)

    def _answer(self, request: Request) -> Response | None:
        scope, headers = request.scope, request.headers
        if not (opens_a_page(request.method, headers) or same_origin(headers)):
            return self.refuse(request, HTTPException(403))
        if request.method not in READING and _body_type(request) not in self.bodies:
            return self.refuse(request, HTTPException(415))
        scope["holder"] = self.holds_token(request)
        token, path = request.query_params.get("token", ""), path_in_app(scope)
        if request.method in READING and self._is_token(token) and self.is_page(path):
            return self._signed_in(request)
        if self.needs_token(path) and not scope["holder"]:
            return self.refuse(request, HTTPException(401, None, {"WWW-Authenticate": "Bearer"}))
        return None

    def _signed_in(self, request: Request) -> Response:
        """Return a redirect to the URL without the token. The response sets the token's cookie."""
        rest = request.url.remove_query_params("token").query
        # Without "./", the path "https:elsewhere" would be the URL of another site.
        page = "./" + quote(request.scope["path"].rpartition("/")[2], safe=":")
        response = RedirectResponse(f"{page}?{rest}" if rest else page, 303)
        response.set_cookie(
            self._cookie,
            self._token,
            max_age=_COOKIE_SECONDS,
            path=self.cookie_path,
            httponly=True,
            secure=request.url.scheme == "https",
            samesite="lax",  # "strict" would omit the cookie after a click on another site's link
        )
        return response

    def _is_token(self, text: str) -> bool:
        return bool(text) and secrets.compare_digest(text.encode(), self._token.encode())
