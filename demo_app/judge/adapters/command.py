"""The adapter for a command in any language, with lines of JSON in both directions."""

import json
import os
import shlex
import signal
import subprocess
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from demo_app.judge.role import COMMAND, Role, run_job


class Refused(Exception):
    """The command did not accept a job."""


class CommandPipe:
    """The running command, and the pipes to its standard input and output."""

    def __init__(self, role: Role) -> None:
        self._role = role
        command = shlex.split(os.environ[COMMAND])
        pipe = subprocess.PIPE
        self._command = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1)

    def send(self, **message: Any) -> None:
        """Send a message as JSON. If the command has ended, the next `receive` raises EOFError."""
        assert self._command.stdin is not None
        with suppress(BrokenPipeError):
            print(json.dumps(message), file=self._command.stdin)

    def receive(self) -> dict[str, Any]:
        """Wait for the next message, and return it. Log each line that is not a message.

        Raises:
            EOFError: the command has ended.
        """
        assert self._command.stdout is not None
        for line in self._command.stdout:
            try:
                return dict(json.loads(line))
            except (ValueError, TypeError):
                self._role.log("error", method="the command", error=f"no message: {line[:80]!r}")
        raise EOFError(f"the command ended with exit status {self._command.wait()}")

    def put(self, job: str) -> None:
        """Let the command enqueue the job, and wait for its confirmation.

        Raises:
            Refused: the command did not accept the job.
            EOFError: the command has ended.
        """
        self.send(put=job)
        if (answer := self.receive()) != {"put": job}:
            raise Refused(str(answer.get("error", answer)).strip())

    def work(self) -> None:
        """Run each job that the command takes from its queue, until the command ends.

        Raises:
            EOFError: the command has ended.
        """
        while True:
            match self.receive():
                case {"ready": _}:
                    self._role.log("works")
                case {"run": str(job), **more}:
                    message_id = str(more.get("message_id", uuid.uuid4().hex))
                    # a poison pill kills the command too
                    end_both = partial(os.killpg, 0, signal.SIGKILL)
                    run_job(self._role, job, message_id, die=end_both)
                    self.send(ran=job)
                case message:
                    self._role.log("error", method="the command", error=str(message))


def run_role(role: Role) -> Callable[[str], None] | None:
    """Start the command and send its role. For a worker, run its jobs until the command ends.

    Returns:
        For a producer, the function that enqueues a job; None for a worker.
    """
    line = CommandPipe(role)
    name = "producer" if role.jobs else "worker"
    line.send(role=name, name=role.who, redis=role.url, folder=role.files)
    if role.jobs:
        return line.put
    try:
        line.work()
    except EOFError as error:
        role.log("crashed", error=str(error))
    return None
