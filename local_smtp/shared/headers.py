"""What the headers of a request say: who asks, from which page, and the type of its body."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers

#: Bytes of a request line with all its headers; more is answered with 431.
REQUEST_HEAD_BYTES = 16 * 1024
READING = frozenset({"GET", "HEAD"})
_FORM = "application/x-www-form-urlencoded"
#: The media types of the bodies that are read; without a Content-Type, a body is read as JSON.
_BODIES = ("", "application/json", _FORM)


def beside(headers: Headers, url: str) -> str:
    """Another app of this machine as the browser reaches it, for a link; "" for none.

    Behind jupyter-server-proxy an address means nothing to a browser: each port is a folder there.
    """
    port = url.rpartition(":")[2]
    return f"{f'../{port}' if headers.get('x-proxycontextpath') else url}/" if url else ""


def cookie_of(headers: Headers, name: str) -> str:
    """The cookie of that name, or nothing.

    Not with http.cookies: older ones take quadratic time on what a stranger may send
    (CVE-2024-7592). What is set here never needs the quotation marks that it decodes.
    """
    for pair in headers.get("cookie", "").split(";"):
        found, _, value = pair.strip().partition("=")
        if found == name:
            return value
    return ""


def plain(name: bytes, value: bytes) -> bytes:
    """A header without what makes an older http.cookies slow; no cookie of ours has it."""
    return value.replace(b"\\", b"") if name == b"cookie" else value


def bearer(headers: Headers) -> str:
    """The token of an Authorization header (RFC 6750, section 2.1), or nothing."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def host_name(host: str) -> str:
    """The name in a Host header, without its port; "" for what is none."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return str(ipaddress.ip_address(name)) if ":" in name else name
    except ValueError:
        return ""


def opens_a_page(method: str, headers: Headers) -> bool:
    """Whether a person follows a link to here, wherever that link is."""
    return method in READING and headers.get("sec-fetch-dest") == "document"


def same_origin(headers: Headers) -> bool:
    """Whether this inbox's own page asks, or no page at all.

    Browsers that send Sec-Fetch-Site say it outright; older ones send Origin with what
    matters; programs that are no browser send neither, and need the token anyway.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def known_body(headers: Headers) -> bool:
    """Return whether the body is JSON or a urlencoded form."""
    return _media_type(headers) in _BODIES


def is_form(headers: Headers) -> bool:
    """Return whether the body is a urlencoded form."""
    return _media_type(headers) == _FORM
