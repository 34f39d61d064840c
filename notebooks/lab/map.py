"""A map of the running processes, and the path of one comment through them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from demo_app.stack import Stack
from demo_app.stack.client import Client
from lab.language import translate
from lab.ledger import Posted
from lab.show import LabError, Picture, Table

_DRAWING = Path(__file__).with_name("map.svg").read_text("utf-8")
_WORDS = (
    "A comment goes from the reader to the web app (pid $web_pid, port $web_port), its job to "
    "Redis (pid $redis_pid), from there to a worker (pid $worker_pid), and its mail to the mail "
    "server (pid $smtp_pid, port $smtp_port), which shows it in the inbox (port $inbox_port)."
)


def draw_map(stack: Stack) -> Picture:
    ready = stack.ready
    values: dict[str, object] = {
        f"{role}_pid": ", ".join(map(str, found)) or translate("none")
        for role, found in ready["pids"].items()
    }
    values |= {f"{name}_port": urlsplit(ready[name]).port for name in ("web", "inbox")}
    values["smtp_port"] = ready["smtp"].rpartition(":")[2]
    values["threads"] = stack.options.concurrency
    drawing = re.sub("(?<=>).+(?=</text>)", lambda words: translate(words[0]), _DRAWING)
    return Picture(
        Template(drawing).substitute(values), Template(translate(_WORDS)).substitute(values)
    )


def steps_of(posted: Posted, rows: Callable[..., list[Any]], redis: Any, client: Client) -> Table:
    query = "SELECT * FROM comments WHERE id = ? AND job_id = ?"
    row = next(iter(rows(query, posted.comment_id, posted.job_id)), None)
    if row is None:
        text = "This comment was posted in another lab. Run the cell that posts it, then this one."
        raise LabError(text)
    found = [(translate("SQLite, table comments"), json.dumps(dict(row)))]
    job: list[str] = redis.lrange(f"job:{posted.job_id}", 0, -1)
    found.append((translate("Redis, the job's message"), job[0] if job else translate("nothing")))
    found += [(translate("Redis, the job's history"), line) for line in job[1:]]
    for mail in client.mails()["messages"]:
        if mail["job_id"] == posted.job_id:
            raw = client.inbox.get(f"/api/messages/{mail['id']}/raw").text
            found.append((translate("the mail, as it was received"), raw))
            break
    marked = (posted.job_id, "comment_id")
    caption = translate("Comment {n}", n=posted.comment_id)
    return Table(("step", "stored bytes"), found, caption, code=True, marked=marked)
