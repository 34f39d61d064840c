"""Who may ask what: hosts, origins, and the start-up token.

A page that a browser opens elsewhere must not reach an app on this machine. So a foreign ``Host``
is refused (DNS rebinding), a write from another site is refused (``Sec-Fetch-Site``, W3C Fetch
Metadata; ``Origin`` where a browser does not send it), and everything but the blog wants the token.
"""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo_app.web.errors import DomainError, error_response

COOKIE = "demo_token"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
GUARDED = ("/jobs", "/stage", "/inbox", "/api/jobs", "/api/events", "/metrics", "/openapi.json")
#: Where the token stays in the address: no browser remembers these.
_FOR_PROGRAMS = ("/api/", "/metrics", "/openapi.json")
#: Nothing inline, nothing from elsewhere, and no frame but our own (JupyterLab's proxy is one).
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-frame-options": "SAMEORIGIN",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class Guard:
    """Middleware that answers what must not come in, and notes who holds the token."""

    def __init__(self, app: ASGIApp, token: str, hosts: tuple[str, ...]) -> None:
        self.app = app
        self._token = token
        self._hosts = {host.lower() for host in (*LOOPBACK, *hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            answer = self._answer(scope) or self.app
        except DomainError as error:
            answer = error_response(Request(scope), error)
        return await answer(scope, receive, _with_headers(send))

    def _answer(self, scope: Scope) -> Response | None:
        """An answer in place of the app's own. Raises DomainError for what must not come in."""
        headers = Headers(scope=scope)
        host = _name(headers.get("host", ""))
        reading = scope["method"] in ("GET", "HEAD")
        if host not in self._hosts:
            raise DomainError(421, "host", host=repr(host))
        if not reading and scope["method"] != "OPTIONS" and not _same_site(headers):
            raise DomainError(403, "other_site")
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        offered = query.pop("token", [""])[0]
        scope["holder"] = any(map(self._fits, (_bearer(headers), _cookie(headers), offered)))
        if reading and self._fits(offered) and not scope["path"].startswith(_FOR_PROGRAMS):
            return self._signed_in(scope, query)
        if scope["path"].startswith(GUARDED) and not scope["holder"]:
            raise DomainError(401, "token", {"www-authenticate": "Bearer"})
        return None

    def _signed_in(self, scope: Scope, query: dict[str, list[str]]) -> Response:
        """The token as a cookie, out of the address bar and so out of histories and referrers."""
        rest = urlencode(query, doseq=True)
        # with "./", or "https:elsewhere" would be another site's address
        target = "?" + rest if rest else "./" + scope["path"].rsplit("/", 1)[-1]
        answer = RedirectResponse(target, status_code=303)
        https = scope["scheme"] == "https"
        answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict", secure=https)
        return answer

    def _fits(self, offered: str) -> bool:
        return bool(offered) and secrets.compare_digest(offered.encode(), self._token.encode())


def _same_site(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _bearer(headers: Headers) -> str:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def _cookie(headers: Headers) -> str:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _name(netloc: str) -> str:
    netloc = netloc.rpartition("@")[2].lower()
    if netloc.startswith("["):
        return netloc.partition("]")[0] + "]"
    return netloc.partition(":")[0]


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message["headers"]))
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            message["headers"] = headers.raw
        await send(message)

    return sending
