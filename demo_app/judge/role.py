"""One process of a trial: its role, its reports to the judge, and the step where it halts."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

#: The environment variable with the path of the role's file, for the process of an adapter.
VARIABLE = "JUDGE_ROLE"
#: The environment variable with the judged command or Celery app.
COMMAND = "JUDGE_COMMAND"
#: The environment variable with the folder of the user's Celery app.
APPS = "JUDGE_APPS"
#: If a process wakes up this much too late (seconds), the machine counts as too busy.
LATE = 0.5
#: In a trial's folder: the judge's socket, and the folder that the queue may write to.
EVENTS, FILES = "events.sock", "files"


class _Line:
    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._answers = self._socket.makefile("rb")

    def send(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message. If `message["waits"]` is true, return the reply, otherwise {}.

        Raises:
            EOFError: the trial is over.
        """
        with self._lock:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
            if not message.get("waits"):
                return {}
            answer = self._answers.readline()
        if not answer:
            raise EOFError("the trial is over")
        return dict(json.loads(answer))


#: One connection for each process and thread, since a thread may halt while it waits for a reply.
_lines: dict[tuple[int, int, str], _Line] = {}


@dataclass(frozen=True, slots=True)
class Role:
    """A role: a producer (with `jobs`), a process that locates jobs (with `locates`), or a worker.

    Attributes:
        address: the address of the process's proxy to the server, a socket or a URL.
        jobs: the jobs that a producer enqueues.
        locates: the jobs to locate.
        halt: the step at which the process waits until the judge lets it go on; "" for none.
        claims: False for a worker that must wait for the judge before it claims jobs.
    """

    who: str
    folder: str
    address: str
    jobs: Sequence[str] = ()
    locates: Sequence[str] = ()
    halt: str = ""
    claims: bool = True

    @property
    def url(self) -> str:
        return f"unix://{self.address}" if self.address.startswith("/") else self.address

    @property
    def files(self) -> str:
        return str(Path(self.folder) / FILES)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def mine(cls) -> Self:
        return cls(**json.loads(Path(os.environ[VARIABLE]).read_text("utf-8")))

    def log(self, event: str, **details: Any) -> dict[str, Any]:
        """Report an event to the judge. With waits=True in `details`, wait for the reply.

        Returns:
            The reply; {} if no reply was awaited.
        """
        mine = os.getpid(), threading.get_ident(), self.who
        if mine not in _lines:
            _lines[mine] = _Line(Path(self.folder) / EVENTS)
        message = {"at": time.monotonic(), "who": self.who, "event": event, **details}
        return _lines[mine].send(message)

    def request(self, event: str, **details: Any) -> dict[str, Any]:
        """Report an event, wait until the judge lets the process go on, and return the reply."""
        return self.log(event, waits=True, **details)

    def report_step(self, event: str, **details: Any) -> None:
        """Report an event. If the role has a step to halt at, wait until the judge replies."""
        self.log(event, waits=bool(self.halt), **details)


def produce(role: Role, put: Callable[[str], object]) -> None:
    """Enqueue the role's jobs one by one, report each result, and then wait to be killed."""
    for job in role.jobs:
        role.report_step("putting", job=job)
        try:
            put(job)
        except Exception as error:  # any error counts as a refusal of the job
            role.report_step("refused", job=job, error=describe(error))
        else:
            role.report_step("put", job=job)
    role.request("finished")
    signal.pause()


def describe(error: BaseException) -> str:
    name, words = type(error).__name__, str(error).rstrip(".")
    return f"{name}: {words}"[:200] if words else name


def sleep(role: Role, seconds: float) -> None:
    began = time.monotonic()
    time.sleep(seconds)
    if (late := time.monotonic() - began - seconds) > LATE:
        role.log("late", seconds=late)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_job(role: Role, job: str, message_id: str, die: Callable[[], None] = _die) -> None:
    """Simulate a job that sends a mail: report its start, sleep for its duration, report its end.

    The judge's reply to the first report contains the duration, and whether the job is a poison
    pill.

    Args:
        message_id: the id by which an inbox recognises a duplicate mail.
        die: a function that ends the process. It is called for a poison pill.
    """
    what = role.request("begin", job=job)
    if what["dies"]:
        die()
    sleep(role, what["seconds"])
    role.report_step("end", job=job, message_id=message_id)
