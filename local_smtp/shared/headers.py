"""The head of a request: its path, the page that it comes from, the addresses of other apps."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

READING = frozenset({"GET", "HEAD"})


def beside(headers: Headers, url: str) -> str:
    """Return the address of another app of this machine, for a link; "" for none.

    Behind jupyter-server-proxy an address means nothing to a browser: each port is a folder there.
    """
    port = url.rpartition(":")[2]
    return f"{f'../{port}' if headers.get('x-proxycontextpath') else url}/" if url else ""


def path_in_app(scope: Scope) -> str:
    """Return the path of a request below the prefix at which the app is mounted, as its routes do.

    A guard that looked at the whole path would find none of the app's own.
    """
    path: str = scope["path"]
    rest = path.removeprefix(scope.get("root_path", ""))
    return rest if rest.startswith("/") else path if rest else "/"


def opens_a_page(method: str, headers: Headers) -> bool:
    """Return True if a person follows a link to here, wherever that link is."""
    return method in READING and headers.get("sec-fetch-dest") == "document"


def same_origin(headers: Headers) -> bool:
    """Return True if the request comes from the app's own page, or from no page at all.

    Browsers send Sec-Fetch-Site, and older ones Origin with what matters. Programs send neither,
    and need the token anyway.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False
