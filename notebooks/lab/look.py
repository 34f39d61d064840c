"""Look at a running system and change nothing: its processes, logs, jobs."""

from __future__ import annotations

import shlex
import time
from contextlib import suppress

import psutil
from redis.exceptions import RedisError

from demo_app.broker.fold import STATE_AFTER
from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import JobSeen
from demo_app.broker.where import Place, where
from demo_app.rig.process import role_of
from lab.language import say
from lab.running import Lab
from lab.show import LabError, Table

#: What the processes of some roles are called.
_NAMES = {"web": "web app", "smtp": "mail server", "stock": "worker"}


def processes(lab: Lab) -> Table:
    """Every process of the system: pid, role, state, and how it was started.

    A state is the operating system's word: a process that waits is `sleeping`, one that was
    paused is `stopped`.
    """
    mark, found = lab.stack.plan.stack_id, []
    for process in psutil.process_iter():
        if role := role_of(process.pid, mark):
            with suppress(psutil.Error):  # it ended meanwhile
                words, name = process.cmdline(), say(_NAMES.get(role, role))
                found.append((name, process.pid, process.status(), shlex.join(words[1:])))
    return Table(("process", "pid", "state", "started with"), sorted(found))


def log(lab: Lab, role: str, lines: int = 12) -> None:
    """Print the last lines that the processes of a role wrote: redis, smtp, web or worker.

    Raises LabError for another role.
    """
    paths = sorted(lab.stack.plan.folder.logs.glob(f"{role}*.log"))
    if not paths:
        none = "There is no log of {role!r}: the roles are redis, smtp, web, worker."
        raise LabError(say(none, role=role))
    for path in paths:
        text = path.read_text("utf-8", "replace")
        written = [line.rstrip() for line in text.splitlines() if line.strip()]
        print(f"{path.name}:", *(written[-lines:] or [say("(empty)")]), sep="\n  ")


def history(lab: Lab, job: str) -> Table:
    """Return the events of the job with their times; an empty list while Redis does not have it."""
    found, known = [], lab.redis.exists(f"job:{job}")
    for line in lab.client.job(job)["timeline"] if known else ():
        detail = line.get("text") or (line.get("traceback") or " ").strip().rpartition("\n")[2]
        if line["event"] == "scheduled" and detail:
            detail = time.strftime(say("for %d %B, %H:%M:%S"), time.localtime(float(detail)))
        at = time.strftime("%H:%M:%S", time.localtime(line["at"]))
        event = say(line["event"]) if line["event"] in STATE_AFTER else line["event"]
        found.append((at, event, line.get("by") or "", detail))
    caption = "" if known else "Redis does not have this job."
    return Table(("at", "event", "by", "says"), found, caption)


def outbox(lab: Lab) -> Table:
    """Return the jobs that the web app's database keeps until they are done."""
    found = lab.rows("SELECT id, job_id FROM outbox ORDER BY id")
    return Table(("row", "job"), [tuple(row) for row in found])


def place_of(lab: Lab, job: str) -> str:
    """Return the place of the job as one word of `lab.mysteries.PLACES`."""
    # what Redis does not know is with the outbox, if that has it: it is not done there
    kept = {row["job_id"]: False for row in lab.rows("SELECT job_id FROM outbox")}
    queue: dict[str, JobSeen] = {}
    with suppress(RedisError):
        queue = Queue(lab.redis).snapshot(ids=[job]).looked_up
    place = where([job], outbox=kept, queue=queue, arrived=set)[job].place
    words = {
        Place.OUTBOX: "the web app's database",
        Place.QUEUED: "a queue",
        Place.RUNNING: "a worker",
        Place.LOST: "nowhere",
    }
    return words.get(place) or queue[job].state.value
