"""Blog, dashboard, stage and inbox as tabs and launcher cards of JupyterLab.

jupyter-server-proxy reads these through the entry points ``jupyter_serverproxy_servers``. The first
card that is opened starts one stack for all of them; JupyterLab stops it when it ends. Who may use
the notebooks may use the stack: the proxy adds the start-up token, so nobody has to type it.
"""

from __future__ import annotations

import atexit
import secrets
import shutil
import socket
import sys
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

CATEGORY = "Jobs that survive"


def blog() -> dict[str, Any]:
    """The blog, and the process behind all four cards."""
    place = _place()
    command = [sys.executable, "-m", "demo_app", "up", "--dir", str(place.folder), "--workers", "2"]
    command += ["--web-port", "{port}", "--inbox-port", str(place.inbox_port)]
    return {
        "command": command,
        "environment": {"DEMO_CONTROLS": "1"},
        "timeout": 60,
        "request_headers_override": _headers(place, "{port}"),
        **_card("Blog", "demo-app/"),
    }


def dashboard() -> dict[str, Any]:
    """A card that leads to a page of the blog's process, as the next one does."""
    return {"command": [], "port": 1, **_card("Jobs", "demo-app/jobs")}


def stage() -> dict[str, Any]:
    """See `dashboard`."""
    return {"command": [], "port": 1, **_card("Stage", "demo-app/stage")}


def inbox() -> dict[str, Any]:
    """The inbox; its card goes through the blog's process, which sees to it that a stack runs."""
    place = _place()
    return {
        "command": [],
        "port": place.inbox_port,
        "request_headers_override": _headers(place, str(place.inbox_port)),
        **_card("Inbox", "demo-app/inbox"),
    }


class _Place:
    """Where the stack of this JupyterLab lives."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="demo-lab-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.token = secrets.token_hex(18)
        path = self.folder / "token"
        path.touch(mode=0o600)
        path.write_text(self.token)
        with socket.socket() as probe:  # free now, and most likely when the stack starts
            probe.bind(("127.0.0.1", 0))
            self.inbox_port = probe.getsockname()[1]


@cache
def _place() -> _Place:
    return _Place()


def _headers(place: _Place, port: str) -> dict[str, str]:
    # the outer host name is Jupyter's business, which checks it; the stack knows its own only
    return {"Authorization": f"Bearer {place.token}", "Host": f"127.0.0.1:{port}"}


def _card(title: str, path: str) -> dict[str, Any]:
    icon = str(files("demo_app.web") / "static" / "icon.svg")
    entry = {"title": title, "path_info": path, "icon_path": icon, "category": CATEGORY}
    return {"new_browser_tab": False, "launcher_entry": entry}
