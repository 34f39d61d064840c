"""The map of the running system, with the pids and ports of its living processes."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from demo_app.stack import Stack
from lab.language import say
from lab.show import Picture

_DRAWING = Path(__file__).with_name("map.svg").read_text("utf-8")
_WORDS = (
    "A comment goes from the reader to the web app (pid $web_pid, port $web_port), its job to "
    "Redis (pid $redis_pid), from there to a worker (pid $worker_pid), and its mail to the mail "
    "server (pid $smtp_pid, port $smtp_port), which shows it in the inbox (port $inbox_port)."
)


def draw_map(stack: Stack) -> Picture:
    """The processes, with pids and ports, and the way of a comment."""
    ready = stack.ready
    values: dict[str, object] = {
        f"{role}_pid": ", ".join(map(str, found)) or say("none")
        for role, found in ready["pids"].items()
    }
    values |= {f"{name}_port": urlsplit(ready[name]).port for name in ("web", "inbox")}
    values["smtp_port"] = ready["smtp"].rpartition(":")[2]
    values["threads"] = stack.options.concurrency
    drawing = re.sub("(?<=>).+(?=</text>)", lambda words: say(words[0]), _DRAWING)
    return Picture(Template(drawing).substitute(values), Template(say(_WORDS)).substitute(values))
