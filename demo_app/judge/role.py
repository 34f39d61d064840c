"""One process of a trial: what it is told, what it says to the judge, and where it halts."""

from __future__ import annotations

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

#: The variable in which a process that is not a fork of ours gets the file with its role.
VARIABLE = "JUDGE_ROLE"
#: The variable with the command, or with the app, that is judged.
COMMAND = "JUDGE_COMMAND"
#: The variable with the folder of the reader's Celery app.
APPS = "JUDGE_APPS"
#: Seconds; a process that wakes up so much too late is on a machine that is too busy.
LATE = 0.5
#: In a trial's folder: the judge's socket, and the folder that the queue may write to.
EVENTS, FILES = "events.sock", "files"


class _Line:
    """A connection to the judge, which knows the process at its end."""

    def __init__(self, path: Path) -> None:
        self._one = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._answers = self._socket.makefile("rb")

    def say(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a line; if it asks, wait for its answer. Raises EOFError when the trial is over."""
        with self._one:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
            if not message.get("asks"):
                return {}
            answer = self._answers.readline()
        if not answer:
            raise EOFError("the trial is over")
        return dict(json.loads(answer))


#: The lines of this process; a fork opens its own, and so does each thread that may halt.
_lines: dict[tuple[int, int, str], _Line] = {}


@dataclass(frozen=True, slots=True)
class Role:
    """A producer (it has jobs to put in), a worker, or one that `asks` where jobs are.

    folder: of the trial. address: of its proxy to the server, a socket or a URL. halt: the step
    of a queue's method at which it asks the judge whether to go on. claims: whether it takes jobs
    before the judge lets it.
    """

    who: str
    folder: str
    address: str
    jobs: Sequence[str] = ()
    asks: Sequence[str] = ()
    halt: str = ""
    claims: bool = True

    @property
    def url(self) -> str:
        """The server's address."""
        return f"unix://{self.address}" if self.address.startswith("/") else self.address

    @property
    def files(self) -> str:
        """The folder that all processes of the trial may write to."""
        return str(Path(self.folder) / FILES)

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def mine(cls) -> Self:
        """The role of this process."""
        return cls(**json.loads(Path(os.environ[VARIABLE]).read_text("utf-8")))

    def log(self, event: str, **details: Any) -> dict[str, Any]:
        """Say to the judge what happened; returns its answer to what `asks`."""
        mine = os.getpid(), threading.get_ident(), self.who
        if mine not in _lines:
            _lines[mine] = _Line(Path(self.folder) / EVENTS)
        message = {"at": time.monotonic(), "who": self.who, "event": event, **details}
        return _lines[mine].say(message)

    def ask(self, event: str, **details: Any) -> dict[str, Any]:
        """The same; returns once the judge lets it go on, with what it is to do."""
        return self.log(event, asks=True, **details)

    def pass_by(self, event: str, **details: Any) -> None:
        """The same where it may be told to halt: nobody waits for an answer that says nothing."""
        self.log(event, asks=bool(self.halt), **details)


def produce(role: Role, put: Callable[[str], object]) -> None:
    """Put the role's jobs in, one after the other, say how each went, and stay."""
    for job in role.jobs:
        role.pass_by("putting", job=job)
        try:
            put(job)
        except Exception as error:  # whatever it is: the job was not taken
            role.pass_by("refused", job=job, error=told(error))
        else:
            role.pass_by("put", job=job)
    role.ask("finished")
    signal.pause()


def told(error: BaseException) -> str:
    """The error in a line."""
    name, words = type(error).__name__, str(error).rstrip(".")
    return f"{name}: {words}"[:200] if words else name


def sleep(role: Role, seconds: float) -> None:
    """Sleep, and log it if the machine wakes this process much too late."""
    began = time.monotonic()
    time.sleep(seconds)
    if (late := time.monotonic() - began - seconds) > LATE:
        role.log("late", seconds=late)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_job(role: Role, job: str, message_id: str, die: Callable[[], None] = _die) -> None:
    """Do the job: send its mail. `message_id` is what the reader's inbox knows the mail by.

    The judge says how long it takes, and whether it is poison, which kills its process.
    """
    what = role.ask("begin", job=job)
    if what["dies"]:
        die()
    sleep(role, what["seconds"])
    role.pass_by("end", job=job, message_id=message_id)
