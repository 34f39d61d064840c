"""What is judged: a learner's class, or a queue that this project has an adapter for."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

from demo_app.verification.judge.leash import Leash, send_to_all
from demo_app.verification.judge.role import COMMAND, VARIABLE, Role

#: The queues with an adapter, which is a module in `adapters`, and what each is made of.
PACKAGES = {
    "claims": ("celery", "redis"),
    "celery": ("celery", "redis"),
    "rq": ("rq",),
    "huey": ("huey",),
    "dramatiq": ("dramatiq",),
}
NAMES = tuple(PACKAGES)


class CannotJudge(Exception):
    """The target can't be run at all; says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started. send: sends a signal to it and all that it started."""

    send: Callable[[signal.Signals], None]
    alive: Callable[[], bool]


class Target(Protocol):
    """See the module. stepped: whether its processes halt at each command."""

    name: str
    stepped: bool
    leash: Leash

    def start(self, role: Role) -> Running:
        """Start a process that plays the role."""

    def close(self) -> None:
        """End everything that was started."""


def target_of(name: str) -> Target:
    """The target of a command line: ``FILE.py:CLASS``, ``command:COMMAND``, or one of `NAMES`.

    Raises CannotJudge.
    """
    kind, _, command = name.partition(":")
    if name in NAMES or kind == "command":
        return Adapter(kind, command)
    path, _, queue_class = name.rpartition(":")
    if not path.endswith(".py") or not queue_class:
        known = ", ".join(NAMES)
        told = f"{name!r} is neither FILE.py:CLASS nor command:COMMAND nor one of {known}."
        raise CannotJudge(told)
    if not Path(path).is_file():
        raise CannotJudge(f"There is no file {path}.")
    return Learners(name)


class Learners:
    """A learner's class; its processes are forks of one that has read the file."""

    stepped = True

    def __init__(self, name: str) -> None:
        self.name, self.leash = name, Leash()
        path, _, queue_class = name.rpartition(":")
        self._host = subprocess.Popen(
            [sys.executable, "-m", "demo_app.verification.judge.host",
             f"{Path(path).resolve()}:{queue_class}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True, env=self.leash.environment,
        )  # fmt: skip
        self.leash.hold(self._host.pid)
        self._lock = threading.Lock()
        self._read(f"{name} can't be loaded")
        threading.Thread(target=self._drain, daemon=True).start()

    def start(self, role: Role) -> Running:
        """See `Target`."""
        assert self._host.stdin is not None
        with self._lock:
            self._host.stdin.write(role.to_json() + "\n")
            self._host.stdin.flush()
            pid = int(self._read("The process that starts the others ended"))

        def send(number: signal.Signals) -> None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

        def alive() -> bool:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return False
            return True

        return Running(send, alive)

    def close(self) -> None:
        """See `Target`."""
        with suppress(ProcessLookupError):
            os.killpg(self._host.pid, signal.SIGKILL)
        self._host.wait()
        self.leash.end()
        for stream in (self._host.stdin, self._host.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()

    def _read(self, failure: str) -> str:
        assert self._host.stdout is not None
        line = self._host.stdout.readline()
        if not line:
            assert self._host.stderr is not None
            told = self._host.stderr.read().strip().splitlines() or ["no reason was given"]
            self.close()
            raise CannotJudge(f"{failure}: {told[-1]}.")
        return line

    def _drain(self) -> None:
        """Read what the learner's code prints, so that it never waits for a reader."""
        assert self._host.stderr is not None
        for _ in self._host.stderr:
            pass
        self._host.stderr.close()


class Adapter:
    """A queue of this name, or a command, in processes of its own."""

    stepped = False

    def __init__(self, name: str, command: str = "") -> None:
        self.name = name
        for package in PACKAGES.get(name, ()):
            try:
                version(package)
            except PackageNotFoundError as error:
                raise CannotJudge(f"The package {package} is not installed.") from error
        try:
            if name not in NAMES and not shutil.which(shlex.split(command)[0]):
                raise CannotJudge(f"There is no program {shlex.split(command)[0]}.")
        except (ValueError, IndexError) as error:
            raise CannotJudge(f"{command!r} is no command.") from error
        self.leash = Leash()
        self.leash.environment[COMMAND] = command
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, role: Role) -> Running:
        """See `Target`."""
        main = f"from demo_app.verification.judge.adapters.{self.name} import main; main()"
        with (Path(role.folder) / f"{role.who}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-c", main],
                env={**self.leash.environment, VARIABLE: role.to_json()},
                cwd=role.folder if self.name in NAMES else None,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.leash.hold(child.pid)
        self._children.append(child)

        def send(number: signal.Signals) -> None:
            if number is signal.SIGKILL:  # all stop first, so that none sees another one's end
                send_to_all(child.pid, signal.SIGSTOP)
            send_to_all(child.pid, number)
            if number is signal.SIGKILL:
                child.wait()

        return Running(send, lambda: child.poll() is None)

    def close(self) -> None:
        """See `Target`."""
        self.leash.end()
        for child in self._children:
            child.wait()
