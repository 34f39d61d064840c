"""Who may ask what: hosts, origins, and the start-up token.

A page that a browser opens elsewhere must not reach an app on this machine. So a foreign ``Host``
is refused (DNS rebinding), a write from another site is refused (``Sec-Fetch-Site``, W3C Fetch
Metadata; ``Origin`` where a browser does not send it), and everything but the blog wants the token.
"""

from __future__ import annotations

import secrets
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "demo_token"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
GUARDED = ("/jobs", "/stage", "/api/jobs", "/api/events", "/metrics")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Guard:
    """Middleware that answers what must not come in."""

    def __init__(self, app: ASGIApp, token: str, hosts: tuple[str, ...]) -> None:
        self.app = app
        self._token = token
        self._hosts = {host.lower() for host in (*LOOPBACK, *hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        refusal = self._refusal(scope)
        if refusal is not None:
            return await refusal(scope, receive, _with_headers(send))
        return await self.app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = _name(headers.get("host", ""))
        if host not in self._hosts:
            return _no(421, f"This server does not answer for the host {host!r}.")
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and not self._same_site(headers, host):
            return _no(403, "A page of another site may not write here.")
        if not scope["path"].startswith(GUARDED):
            return None
        return self._without_token(scope, headers)

    def _same_site(self, headers: Headers, host: str) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = headers.get("origin")
        return origin is None or _name(urlsplit(origin).netloc) == host

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        offered = query.pop("token", [""])[0]
        if offered and self._fits(offered) and scope["method"] in ("GET", "HEAD"):
            # out of the address bar, and so out of every history and referrer
            rest = urlencode(query, doseq=True)
            target = "?" + rest if rest else scope["path"].rsplit("/", 1)[-1] or "."
            answer = RedirectResponse(target, status_code=303)
            answer.set_cookie(COOKIE, offered, httponly=True, samesite="strict", path="/")
            return answer
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        cookies = SimpleCookie(headers.get("cookie", ""))
        cookie = cookies[COOKIE].value if COOKIE in cookies else ""
        if self._fits(bearer) or self._fits(cookie) or self._fits(offered):
            return None
        return _no(401, "This page wants the start-up token: open the link that `up` printed.")

    def _fits(self, offered: str) -> bool:
        return bool(offered) and secrets.compare_digest(offered.encode(), self._token.encode())


def _name(netloc: str) -> str:
    netloc = netloc.rpartition("@")[2].lower()
    if netloc.startswith("["):
        return netloc.partition("]")[0] + "]"
    return netloc.partition(":")[0]


def _no(status: int, sentence: str) -> Response:
    return JSONResponse({"detail": sentence}, status_code=status)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_HEADERS]
        await send(message)

    return sending
