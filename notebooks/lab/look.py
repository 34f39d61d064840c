"""Look at a running system and change nothing: map, processes, logs, a comment's way, a job."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

import psutil
from redis.exceptions import RedisError

from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import JobSeen
from demo_app.broker.where import Place, where
from demo_app.rig.reaper import MARKER
from lab.language import say
from lab.show import Picture, Table
from lab.system import LabError, Posted, System

_DRAWING = Path(__file__).with_name("map.svg").read_text("utf-8")
_WORDS = (
    "A comment goes from the reader to the web app (pid $web_pid, port $web_port), its job to "
    "Redis (pid $redis_pid), from there to a worker (pid $worker_pid), and its mail to the mail "
    "server (pid $smtp_pid, port $smtp_port), which shows it in the inbox (port $inbox_port)."
)
#: The words of a command line by which a process is known, and its role.
_ROLES = {
    "demo_app.stage": "web app",
    "local_smtp": "mail server",
    "demo_app.worker": "worker",
    "celery": "worker",
    "unixsocket": "redis",
}
#: What can happen to a job. A Japanese lesson has its own words for these.
_EVENTS = {
    *("enqueued", "scheduled", "claimed", "rescued", "requeued", "retrying"),
    *("dead", "done", "discarded"),
}


def draw_map(lab: System) -> Picture:
    """The running processes, with pids and ports, and the way of a comment."""
    ready = lab.stack.ready
    values: dict[str, object] = {
        f"{role}_pid": ", ".join(map(str, found)) or say("none")
        for role, found in ready["pids"].items()
    }
    values |= {f"{name}_port": urlsplit(ready[name]).port for name in ("web", "inbox")}
    values["smtp_port"] = ready["smtp"].rpartition(":")[2]
    values["threads"] = lab.stack.options.concurrency
    drawing = re.sub("(?<=>).+(?=</text>)", lambda words: say(words[0]), _DRAWING)
    return Picture(Template(drawing).substitute(values), Template(say(_WORDS)).substitute(values))


def follow(lab: System, posted: Posted) -> Table:
    """One comment at every step of its way: what the database, Redis and the inbox hold of it."""
    asked = "SELECT * FROM comments WHERE id = ? AND job_id = ?"
    row = next(iter(rows(lab, asked, posted.comment_id, posted.job_id)), None)
    if row is None:
        told = "This comment was posted in another lab. Run the cell that posts it, then this one."
        raise LabError(say(told))
    found = [(say("SQLite, table comments"), json.dumps(dict(row)))]
    job: list[str] = lab.redis.lrange(f"job:{posted.job_id}", 0, -1)
    found.append((say("Redis, the job's message"), job[0] if job else say("nothing")))
    found += [(say("Redis, the job's history"), line) for line in job[1:]]
    for mail in lab.client.mails()["messages"]:
        if mail["job_id"] == posted.job_id:
            raw = lab.client.inbox.get(f"/api/messages/{mail['id']}/raw").text
            found.append((say("the mail, as it was received"), raw))
            break
    marked = (posted.job_id, "comment_id")
    caption = say("Comment {n}", n=posted.comment_id)
    return Table(("step", "stored bytes"), found, caption, code=True, marked=marked)


def processes(lab: System) -> Table:
    """Every process of the system: pid, role, state, and how it was started.

    A state is the operating system's word: a process that waits is `sleeping`, one that was
    paused is `stopped`.
    """
    wanted, found = lab.stack.plan.stack_id, []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if process.environ().get(MARKER) == wanted and (role := _role(words)):
                found.append((say(role), process.pid, process.status(), shlex.join(words[1:])))
        except (psutil.Error, OSError):  # it ended meanwhile, or is another user's
            continue
    return Table(("process", "pid", "state", "started with"), sorted(found))


def _role(words: list[str]) -> str:
    line = " ".join(words)
    return next((role for word, role in _ROLES.items() if word in line), "")


def log(lab: System, role: str, lines: int = 12) -> None:
    """Print the last lines that the processes of a role wrote: redis, smtp, web or worker.

    Raises LabError for another role.
    """
    paths = sorted(lab.stack.plan.folder.logs.glob(f"{role}*.log"))
    if not paths:
        none = "There is no log of {role!r}: the roles are redis, smtp, web, worker."
        raise LabError(say(none, role=role))
    for path in paths:
        text = path.read_text("utf-8", "replace")
        told = [line.rstrip() for line in text.splitlines() if line.strip()]
        print(f"{path.name}:", *(told[-lines:] or [say("(empty)")]), sep="\n  ")


def history(lab: System, job: str) -> Table:
    """What happened to the job, each event with its time; empty while Redis does not have it."""
    found, known = [], lab.redis.exists(f"job:{job}")
    for line in lab.client.job(job)["timeline"] if known else ():
        told = line.get("text") or (line.get("traceback") or " ").strip().rpartition("\n")[2]
        if line["event"] == "scheduled" and told:
            told = time.strftime(say("for %d %B, %H:%M:%S"), time.localtime(float(told)))
        at = time.strftime("%H:%M:%S", time.localtime(line["at"]))
        event = say(line["event"]) if line["event"] in _EVENTS else line["event"]
        found.append((at, event, line.get("by") or "", told))
    caption = "" if known else "Redis does not have this job."
    return Table(("at", "event", "by", "says"), found, caption)


def outbox(lab: System) -> Table:
    """The jobs that the web app's database keeps until they are done."""
    found = rows(lab, "SELECT id, job_id FROM outbox ORDER BY id")
    return Table(("row", "job"), [tuple(row) for row in found])


def place_of(lab: System, job: str) -> str:
    """Where the job is now, in a word: see `lab.mysteries.PLACES`."""
    # what Redis does not know is with the outbox, if that has it: it is not done there
    kept = {row["job_id"]: False for row in rows(lab, "SELECT job_id FROM outbox")}
    queue: dict[str, JobSeen] = {}
    with suppress(RedisError):
        queue = Queue(lab.redis).snapshot(ids=[job]).asked
    place = where([job], outbox=kept, queue=queue, arrived=set)[job].place
    words = {
        Place.OUTBOX: "the web app's database",
        Place.QUEUED: "a queue",
        Place.RUNNING: "a worker",
        Place.LOST: "nowhere",
    }
    return words.get(place) or queue[job].state.value


def rows(lab: System, question: str, *values: Any) -> list[Any]:
    """What the web app's database answers to this SQL."""
    with closing(sqlite3.connect(lab.stack.plan.folder.path / "blog.sqlite3")) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(question, values).fetchall()
