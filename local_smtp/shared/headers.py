"""What the headers of a request say: from which page it comes, and where other apps are."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

READING = frozenset({"GET", "HEAD"})


def beside(headers: Headers, url: str) -> str:
    """Another app of this machine as the browser reaches it, for a link; "" for none.

    Behind jupyter-server-proxy an address means nothing to a browser: each port is a folder there.
    """
    port = url.rpartition(":")[2]
    return f"{f'../{port}' if headers.get('x-proxycontextpath') else url}/" if url else ""


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
