"""A run as one file: a page that plays the stage's pictures by itself, without a server."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

#: A moment (epoch seconds), the stage's `<main>` as HTML ("" while the web app was dead), and the
#: number of the show's step that was said.
Frame = tuple[float, str, int]
_ROOMS = ("demo_app.web", "demo_app.stage")
_STYLE = re.compile(r'<link rel="stylesheet" href="[^"]*?([\w.]+)">')
_LIBRARY = re.compile(r'<script defer src="[^"]*?([\w.]+)"></script>')
_MODULE = re.compile(r'<script type="module" src="[^"]*?([\w.]+)"></script>\s*')
_LIVE = re.compile(r' data-(?:live|poll)="[^"]*"|<link rel="icon"[^>]*>')


def picture_of(page: str) -> str:
    """What changes of the stage's page; it asks no server for more."""
    return _LIVE.sub("", page[page.index("<main") : page.index("</main>")] + "</main>")


def film(page: str, frames: Sequence[Frame], marks: Sequence[tuple[float, str]]) -> str:
    """Return the file: the stage's page with all that it loads, and these pictures.

    marks: moments (epoch seconds), and what happened then, "kill" or "rescue".
    """
    texts = {file.name: file.read_text("utf-8") for room in _ROOMS for file in _files(room)}
    # a module out of a data address has no neighbours, so they go by their bare names
    modules = {name: _address(text) for name, text in texts.items() if name.endswith(".js")}
    packed = gzip.compress(json.dumps({"frames": frames, "marks": marks}).encode())
    page = _LIVE.sub("", _MODULE.sub("", page)).partition("</body>")[0]
    page = _STYLE.sub(lambda found: f"<style>{texts[found[1]]}</style>", page)
    page = _LIBRARY.sub(lambda found: f"<script>{texts[found[1]]}</script>", page)
    return f"""{page}
<script type="importmap">{json.dumps({"imports": modules})}</script>
<script type="text/plain" id="film">{b64encode(packed).decode()}</script>
<script type="module">import "stage.js"; import "film.js";</script>
</body></html>
"""


def _files(room: str) -> list[Path]:
    return list((Path(str(files(room))) / "static").rglob("*.*s"))


def _address(module: str) -> str:
    text = module.replace('from "./', 'from "')
    return f"data:text/javascript;base64,{b64encode(text.encode()).decode()}"
