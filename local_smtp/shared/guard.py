"""Which requests an app on this machine answers: the right Host, the token, no other site's page.

What a browser opens elsewhere must not get here: so a foreign Host is refused (DNS rebinding), and
what another site's page asks for (W3C Fetch Metadata; Origin where a browser does not send it).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .headers import (
    READING,
    REQUEST_HEAD_BYTES,
    bearer,
    cookie_of,
    host_name,
    is_form,
    known_body,
    opens_a_page,
    plain,
    same_origin,
)

#: Bytes of a request's body; more is answered with 413.
REQUEST_BODY_BYTES = 256 * 1024

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
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

WHY = {
    400: "In a urlencoded form, bytes beyond ASCII are percent-encoded: %C3%A9 stands for é.\n",
    401: "This inbox asks for its token: open it with the link that was printed when it"
    " started\n(…/?token=…), or send the header Authorization: Bearer <token>.\n",
    403: "Another site's page may not use this inbox.\n",
    415: "A request has a body of JSON, or a urlencoded form.\n",
    413: f"A request may have {REQUEST_BODY_BYTES} bytes.\n",
    421: "This inbox does not go by that name. Start it with --allow-host NAME if it should.\n",
    431: f"The headers of a request may have {REQUEST_HEAD_BYTES} bytes, no more.\n",
}


class Guard:
    """ASGI middleware in front of everything: lets a request through, or answers it.

    Another app has one of its own kind: it overrides what is public here.
    """

    policy = PAGE_POLICY
    # The browser takes the folder, which is right behind a proxy, too.
    cookie_path: str | None = None

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str], cookie: str) -> None:
        self._app = app
        self._token = token
        self._hosts = LOOPBACK_NAMES | {host.lower() for host in hosts}
        self._cookie = cookie

    def refuse(self, scope: Scope, status: int) -> Response:
        """The answer to a request that must not come in.

        status: 400 with a form of raw bytes beyond ASCII, 401 without the token, 403 from another
        site, 413 with too large a body, 415 with a body of another type, 421 for another host, 431
        with too many headers.
        """
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return PlainTextResponse(WHY[status], status, headers)

    def needs_token(self, path: str) -> bool:
        """Whether this path wants the token."""
        return True

    def is_page(self, path: str) -> bool:
        """Whether a browser may open this path with the token in its address."""
        return path == "/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the request through; `scope["holder"]` tells whether it has the token."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", self.policy)
            await send(message)

        scope["headers"] = [(name, plain(name, value)) for name, value in scope["headers"]]
        scope["holder"] = False
        app = self._answer(scope)
        if app is None:
            whole = await self._whole(scope, receive)
            if isinstance(whole, int):
                app = self._refusal(whole)
            else:
                app, receive = self._app, whole
        # The server leaves the body out of an answer to HEAD.
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        await app(asked, receive, send_guarded)

    def _refusal(self, status: int) -> ASGIApp:
        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
            await self.refuse(scope, status)(scope, receive, send)

        return refuse

    async def _whole(self, scope: Scope, receive: Receive) -> Receive | int:
        """Read the body of a request; return it as the next to be received, or why it is refused.

        A form of raw bytes beyond ASCII, which no browser sends, takes 0.1 s of the loop to decode.
        """
        if scope["method"] in READING:
            return receive
        body = b""
        try:
            async for piece in Request(scope, receive).stream():
                body += piece
                if len(body) > REQUEST_BODY_BYTES:
                    return 413
        except ClientDisconnect:
            return receive
        if not body.isascii() and is_form(Headers(scope=scope)):
            return 400
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_whole() -> Message:
            return whole.pop() if whole else await receive()

        return receive_whole

    def _answer(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        if sum(len(name) + len(value) for name, value in headers.raw) > REQUEST_HEAD_BYTES:
            return self._refusal(431)
        if host_name(headers.get("host", "")) not in self._hosts:
            return self._refusal(421)
        if not (opens_a_page(scope["method"], headers) or same_origin(headers)):
            return self._refusal(403)
        if scope["method"] not in READING and not known_body(headers):
            return self._refusal(415)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        asked = dict(query).get("token", "")
        given = (asked, bearer(headers), cookie_of(headers, self._cookie))
        scope["holder"] = any(map(self._is_token, given))
        reading = scope["method"] in READING
        if reading and self._is_token(asked) and self.is_page(scope["path"]):
            return self._signed_in(scope, query)
        if self.needs_token(scope["path"]) and not scope["holder"]:
            return self._refusal(401)
        return None

    def _signed_in(self, scope: Scope, query: list[tuple[str, str]]) -> Response:
        """Remember the token in a cookie, and take it out of the address."""
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        # With "./" in front, or "https:elsewhere" would be another site's address.
        page = "./" + scope["path"].rpartition("/")[2]
        response = RedirectResponse(f"{page}?{rest}" if rest else page, 303)
        response.set_cookie(
            self._cookie,
            self._token,
            max_age=_COOKIE_SECONDS,
            path=self.cookie_path,
            httponly=True,
            secure=scope["scheme"] == "https",
            samesite="lax",  # strict would lose it on the way here from another site's link
        )
        return response

    def _is_token(self, text: str) -> bool:
        return bool(text) and secrets.compare_digest(text.encode(), self._token.encode())
