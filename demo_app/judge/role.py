"""One process of a trial: what it is told, what it writes down, and where it halts."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

#: The variable in which a process that is not a fork of ours gets its role.
VARIABLE = "JUDGE_ROLE"
#: The variable with the command that is judged.
COMMAND = "JUDGE_COMMAND"
#: What every process of a trial appends to: one JSON object a line.
EVENTS = "events.jsonl"


@dataclass(frozen=True, slots=True)
class Role:
    """A producer (it has jobs to put in) or a worker.

    port: of its cable to the server. halt: the step at which it stops once, and waits for the
    file `go`. halt_nth: at which passage. skew: seconds by which its clock is ahead. rescues:
    whether it calls `rescue`. claims: whether it takes jobs at all.
    """

    who: str
    folder: str
    port: int
    jobs: tuple[str, ...] = ()
    halt: str = ""
    halt_nth: int = 1
    skew: float = 0.0
    rescues: bool = True
    claims: bool = True

    @property
    def url(self) -> str:
        """The server's address."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def go(self) -> Path:
        """The file that lets it go on from its halt."""
        return Path(self.folder) / f"go-{self.who}"

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` made."""
        fields = json.loads(text)
        return cls(**{**fields, "jobs": tuple(fields["jobs"])})

    @classmethod
    def mine(cls) -> Self:
        """The role of this process, which `VARIABLE` holds."""
        return cls.from_json(os.environ[VARIABLE])

    def log(self, event: str, **details: Any) -> None:
        """Append an event to what all processes of the trial write down."""
        line = json.dumps({"at": time.monotonic(), "who": self.who,
                           "event": event, **details})  # fmt: skip
        file = os.open(Path(self.folder) / EVENTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, line.encode() + b"\n")
        os.close(file)

    def halts_at(self, step: str) -> bool:
        """Whether this is the passage of a step at which to halt; true only once."""
        if step != self.halt:
            return False
        for nth in range(1, self.halt_nth + 1):  # of several processes, each passage has one
            try:
                (Path(self.folder) / f"passed-{self.who}-{nth}").touch(exist_ok=False)
            except FileExistsError:
                continue
            return nth == self.halt_nth
        return False

    def wait_for_go(self, step: str) -> None:
        """Halt: say where, and wait until the judge lets it go on, if it does."""
        self.log("halt", step=step)
        while not self.go.exists():
            time.sleep(0.003)  # between two looks

    def passes(self, step: str) -> None:
        """Pass a step, and halt there if that is wanted."""
        if self.halts_at(step):
            self.wait_for_go(step)


def produce(role: Role, put: Callable[[str], object]) -> None:
    """Put the role's jobs in, one after the other, say how each went, and stay."""
    for job in role.jobs:
        role.passes("put:begin")
        role.log("putting", job=job)
        try:
            put(job)
        except Exception as error:  # whatever it is: the job was not taken
            role.log("refused", job=job, error=told(error))
        else:
            role.log("put", job=job)
        role.passes("put:end")
    role.log("finished")
    signal.pause()


def told(error: BaseException) -> str:
    """The error in a line."""
    name, words = type(error).__name__, str(error).rstrip(".")
    return f"{name}: {words}"[:200] if words else name


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_job(role: Role, job: str, message_id: str, die: Callable[[], None] = _die) -> None:
    """Do the job: send its mail. `message_id` is what the reader's inbox knows the mail by.

    ``name:4.0`` takes 4 seconds; a job that begins with "poison" kills its process.
    """
    role.log("begin", job=job)
    role.passes("run:begin")
    if job.startswith("poison"):
        die()
    time.sleep(float(job.partition(":")[2] or 0))
    role.log("end", job=job, message_id=message_id)
    role.passes("run:end")
