"""Files that go with a page: style sheets, scripts, icons."""

from collections.abc import Awaitable, Callable
from importlib.resources.abc import Traversable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


def asset(file: Traversable) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with this file, out of memory: a file that is open for each client that
    reads slowly would use up the descriptors.
    """
    content, media_type = file.read_bytes(), MEDIA_TYPES[Path(file.name).suffix]

    async def answer(_: Request) -> Response:
        return Response(content, media_type=media_type)

    return answer
