"""The static files of a package, kept in memory."""

from importlib.resources import files
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def serve_files(app: Starlette, package: str) -> None:
    folder = Path(str(files(package))) / "static"
    for file in folder.rglob("*.*"):
        if (kind := _MEDIA_TYPES.get(file.suffix)) is None:
            continue  # such as .DS_Store, which macOS leaves in a folder
        path = f"/static/{file.relative_to(folder).as_posix()}"
        # serve from memory: one open file for each client would use up the descriptors
        content = Response(file.read_bytes(), media_type=kind)
        app.routes.append(Route(path, content, methods=["GET"], include_in_schema=False))
