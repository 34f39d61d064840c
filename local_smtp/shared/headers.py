"""Functions on a request's headers: its path, its origin, and links to other apps."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

READING = frozenset({"GET", "HEAD"})


def link_to_app(headers: Headers, url: str) -> str:
    """Return `url` for a link to another app of this machine; "" if `url` is "".

    Behind jupyter-server-proxy, return a relative URL with the port instead, such as ``../8025/``.
    """
    if headers.get("x-proxycontextpath"):
        url = url and "../" + url.rpartition(":")[2]
    return url and url.rstrip("/") + "/"


def path_in_app(scope: Scope) -> str:
    """Return the path of a request below the prefix at which the app is mounted.

    A guard compares this path with the app's paths, which do not contain the prefix.
    """
    path: str = scope["path"]
    rest = path.removeprefix(scope.get("root_path", ""))
    return rest if rest.startswith("/") else path if rest else "/"


def opens_a_page(method: str, headers: Headers) -> bool:
    """Return True if a browser opens the URL as a page, also by a link on another site."""
    return method in READING and headers.get("sec-fetch-dest") == "document"


def same_origin(headers: Headers) -> bool:
    """Return False if the request comes from a web page of another origin, and True otherwise.

    Browsers send Sec-Fetch-Site; older ones send Origin with requests that change something.
    Programs send neither, and need the token anyway.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False
