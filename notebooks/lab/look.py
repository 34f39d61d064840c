"""Views of a running system: its processes, its logs and its jobs."""

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
from lab.language import translate
from lab.running import Lab
from lab.show import LabError, Table

#: Displayed names of roles; other roles are displayed as they are.
_NAMES = {"web": "web app", "smtp": "mail server", "stock": "worker"}


def processes(lab: Lab) -> Table:
    """Return a table of the stack's processes: role, pid, state and command.

    The states are the operating system's: a waiting process is `sleeping`, a paused one `stopped`.
    """
    mark, found = lab.stack.plan.stack_id, []
    for process in psutil.process_iter():
        if role := role_of(process.pid, mark):
            with suppress(psutil.Error):  # the process ended meanwhile
                words, name = process.cmdline(), translate(_NAMES.get(role, role))
                found.append((name, process.pid, process.status(), shlex.join(words[1:])))
    return Table(("process", "pid", "state", "started with"), sorted(found))


def log(lab: Lab, role: str, lines: int = 12) -> None:
    """Print the last log lines of the processes of a role: redis, smtp, web or worker.

    Raises:
        LabError: there is no such role.
    """
    paths = sorted(lab.stack.plan.folder.logs.glob(f"{role}*.log"))
    if not paths:
        none = "There is no log of {role!r}: the roles are redis, smtp, web, worker."
        raise LabError(none, role=role)
    for path in paths:
        text = path.read_text("utf-8", "replace")
        written = [line.rstrip() for line in text.splitlines() if line.strip()]
        print(f"{path.name}:", *(written[-lines:] or [translate("(empty)")]), sep="\n  ")


def history(lab: Lab, job: str) -> Table:
    """Return a table of the job's events; it is empty if Redis does not have the job."""
    found, known = [], lab.redis.exists(f"job:{job}")
    for line in lab.client.job(job)["timeline"] if known else ():
        detail = line.get("text") or (line.get("traceback") or " ").strip().rpartition("\n")[2]
        if line["event"] == "scheduled" and detail:
            detail = time.strftime(translate("for %d %B, %H:%M:%S"), time.localtime(float(detail)))
        at = time.strftime("%H:%M:%S", time.localtime(line["at"]))
        event = translate(line["event"]) if line["event"] in STATE_AFTER else line["event"]
        found.append((at, event, line.get("by") or "", detail))
    caption = "" if known else "Redis does not have this job."
    return Table(("at", "event", "by", "says"), found, caption)


def outbox(lab: Lab) -> Table:
    """Return a table of the jobs in the web app's outbox."""
    found = lab.rows("SELECT id, job_id FROM outbox ORDER BY id")
    return Table(("row", "job"), [tuple(row) for row in found])


def place_of(lab: Lab, job: str) -> str:
    """Return the job's place: one of `lab.mysteries.PLACES`, or "discarded"."""
    # False means "not enqueued yet": if Redis does not have the job, its place is the database
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
