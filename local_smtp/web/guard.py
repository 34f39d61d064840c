"""Who may talk to the inbox: the right Host, the token, and no page of another site."""

import ipaddress
import secrets
from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_smtp.bounds import REQUEST_BODY_BYTES, REQUEST_FIELDS, REQUEST_HEAD_BYTES

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
    "Content-Security-Policy": PAGE_POLICY,
}

_READING = frozenset({"GET", "HEAD"})
_COOKIE_SECONDS = 30 * 24 * 3600


class Guard:
    """ASGI middleware in front of everything: lets a request through, or answers it."""

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str], cookie: str) -> None:
        self._app = app
        self._token = token
        self._hosts = LOOPBACK_NAMES | {host.lower() for host in hosts}
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._answer(scope) or await self._too_large(scope, receive)
        if isinstance(answer, Response):
            await answer(scope, receive, send_guarded)
        else:
            # The server leaves the body out of an answer to HEAD.
            asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await self._app(asked, answer, send_guarded)

    async def _too_large(self, scope: Scope, receive: Receive) -> Response | Receive:
        """Read the body of a request; return it as the next to be received, if it is not too
        large.
        """
        if scope["method"] in _READING:
            return receive
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return receive
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > REQUEST_BODY_BYTES:
                return PlainTextResponse(
                    f"A request may have {REQUEST_BODY_BYTES} bytes, no more.\n", 413
                )
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_whole() -> Message:
            return whole.pop() if whole else await receive()

        return receive_whole

    def _answer(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if sum(len(name) + len(value) for name, value in headers.raw) > REQUEST_HEAD_BYTES:
            return too_long_a_head()
        if _host_name(headers.get("host", "")) not in self._hosts:
            return PlainTextResponse(
                "This inbox does not go by that name. Start it with --allow-host NAME if it"
                " should.\n",
                421,
            )
        if not (_opens_a_page(scope["method"], headers) or _same_origin(headers)):
            return PlainTextResponse("Another site's page may not use this inbox.\n", 403)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        asked = dict(query).get("token")
        if asked is not None and self._is_token(asked):
            is_page = scope["path"] == "/" and scope["method"] in _READING
            return self._signed_in(query) if is_page else None
        if self._is_token(_bearer(headers)) or self._is_token(self._from_cookie(headers)):
            return None
        return PlainTextResponse(
            "This inbox asks for its token: open it with the link that was printed when it"
            " started\n(…/?token=…), or send the header Authorization: Bearer <token>.\n",
            401,
            {"WWW-Authenticate": "Bearer"},
        )

    def _signed_in(self, query: list[tuple[str, str]]) -> Response:
        """Remember the token in a cookie, and take it out of the address."""
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        response = RedirectResponse(f"./?{rest}" if rest else "./", 303)
        response.set_cookie(
            self._cookie,
            self._token,
            max_age=_COOKIE_SECONDS,
            path=None,  # the browser takes the folder, which is right behind a proxy, too
            httponly=True,
            samesite="lax",  # strict would lose it on the way here from another site's link
        )
        return response

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self._token.encode())

    def _from_cookie(self, headers: Headers) -> str:
        # Not with http.cookies: older ones take quadratic time on what a stranger may send
        # (CVE-2024-7592). The token never needs the quotation marks that it decodes.
        for pair in headers.get("cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == self._cookie:
                return value
        return ""


def too_long_a_head() -> Response:
    """Return the answer to a request with more headers than anybody needs."""
    return PlainTextResponse(
        f"A request may have {REQUEST_FIELDS} headers of {REQUEST_HEAD_BYTES} bytes, no more.\n",
        431,
        {"Connection": "close"},
    )


def _bearer(headers: Headers) -> str:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def _host_name(host: str) -> str:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return str(ipaddress.ip_address(name)) if ":" in name else name
    except ValueError:
        return ""


def _opens_a_page(method: str, headers: Headers) -> bool:
    """Return whether a person follows a link to here, wherever that link stands."""
    return method in _READING and headers.get("sec-fetch-dest") == "document"


def _same_origin(headers: Headers) -> bool:
    """Return whether this inbox's own page asks, or no page at all.

    Browsers that send Sec-Fetch-Site say it outright; older ones send Origin with what
    matters; programs that are no browser send neither, and need the token anyway.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
