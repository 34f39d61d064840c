"""Record a show as one file: ``python -m demo_app.stage.recorder FILE [SHOW [LANGUAGE]]``.

The recorder plays the show on a new stack, like a speaker who presses PageDown, and leaves time to
read the captions. The file is an HTML page that plays the recorded pictures without a server.
"""

import gzip
import json
import re
import sys
import time
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from html import unescape
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.stage.show import steps

#: A time (epoch seconds), the stage's `<main>` as HTML ("" while the web app was dead), and the
#: number of the step whose caption was shown (-1 before the first one).
Frame = tuple[float, str, int]
_ROOMS = ("demo_app.broker.web", "demo_app.web", "demo_app.stage")
_STYLE = re.compile(r'<link rel="stylesheet" href="[^"]*?([\w.]+)">')
_LIBRARY = re.compile(r'<script defer src="[^"]*?([\w.]+)"></script>')
_MODULE = re.compile(r'<script type="module" src="[^"]*?([\w.]+)"></script>\s*')
_LIVE = re.compile(r' data-(?:live|poll)="[^"]*"|<link rel="icon"[^>]*>')
#: All in seconds. BETWEEN: the time between two pictures. WORDS: the time to read a caption, plus
#: LETTER for each letter. PATIENCE: the longest step.
BETWEEN, WORDS, PATIENCE = 0.25, 2.0, 120.0
LETTER = {"en": 0.06, "ja": 0.12}


def record(show: str = "four-minutes", language: str = "en") -> str:
    """Play the show on a new stack, and return the recording as an HTML page.

    Raises:
        TimeoutError: a step did not end within PATIENCE seconds.
    """
    frames, page, current = list[Frame](), "", -1
    with (
        Stack(workers=2, lease=8.0, controls=True, twin=True) as stack,
        Client(stack.ready) as client,
    ):

        def take() -> dict[str, Any]:
            nonlocal page
            answer = None
            with suppress(httpx.HTTPError):
                answer = client.web.get("/stage", params={"show": show, "lang": language})
            alive = answer is not None and answer.is_success
            page = answer.text if answer is not None and alive else page
            frames.append((time.time(), picture_of(page) if alive else "", current))
            time.sleep(BETWEEN)
            return _data("state", page) if alive else {}

        def act(actions: tuple[str, ...]) -> None:
            for action in actions:
                with suppress(httpx.TransportError):  # the action may kill the web app
                    client.web.post(f"/stage/do/{action}")

        for number, step in enumerate(steps(show, language)):
            current = number if step["words"] else current
            began, acting = time.monotonic(), Thread(target=act, args=(step["do"],))
            acting.start()
            busy, state = True, dict[str, Any]()
            while busy or number not in state.get("reached", ()):
                if time.monotonic() - began > PATIENCE:
                    text = f"The condition {step['until']} was not met in {PATIENCE:g} s: {state}"
                    raise TimeoutError(text)
                busy, state = acting.is_alive(), take()
            began, reading = time.monotonic(), WORDS + LETTER[language] * len(step["words"])
            while step["hold"] and time.monotonic() - began < reading:
                take()
        tape = _data("tape", client.web.get("/stage", params={"at": "1e10"}).text)
    marks = [(at, what) for at, what in tape["marks"] if at >= frames[0][0]]
    return film(page, frames, marks)


def picture_of(page: str) -> str:
    """Return the part of the stage's page that changes, without attributes that cause requests."""
    return _LIVE.sub("", page[page.index("<main") : page.index("</main>")] + "</main>")


def film(page: str, frames: Sequence[Frame], marks: Sequence[tuple[float, str]]) -> str:
    """Return the recording as an HTML page: the stage, its scripts and styles, and the pictures.

    Args:
        marks: times (epoch seconds), each with "kill" or "rescue".
    """
    folders = [Path(str(files(room))) / "static" for room in _ROOMS]
    loaded = (file for folder in folders for file in folder.rglob("*.*s"))
    texts = {file.name: file.read_text("utf-8") for file in loaded}
    # a module from a data URL can't use relative imports, so modules are imported by bare names
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


def _address(module: str) -> str:
    text = module.replace('from "./', 'from "')
    return f"data:text/javascript;base64,{b64encode(text.encode()).decode()}"


def _data(name: str, page: str) -> dict[str, Any]:
    found = re.search(rf"data-{name}='([^']*)'", page)
    return json.loads(unescape(found[1])) if found else {}


def main(file: str, *given: str) -> None:
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(record(*given), "utf-8")
    print(f"The show: {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
