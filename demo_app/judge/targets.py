"""The targets of the judge: a learner's class, a command, or a queue library."""

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from demo_app.judge.record import Translate
from demo_app.judge.role import APPS, COMMAND, VARIABLE, Role
from demo_app.rig.process import send_to_all
from demo_app.rig.process_group import ProcessGroup

_ADAPTERS = "demo_app.judge.adapters"
#: Seconds for loading a learner's file or Celery app.
_LOADING = 60.0
_SETTINGS = f"{_ADAPTERS}.celery_settings"
#: For each queue with an adapter: the adapter's module and function, and the Celery app that the
#: adapter starts ("" for none).
KNOWN = {
    "claims": ("claims:run_role", ""),
    "celery": ("celery:run_role", f"{_SETTINGS}:advised"),
    "celery-tutorial": ("celery:run_role", f"{_SETTINGS}:tutorial"),
    **{name: (f"on_redis:{name}", "") for name in ("rq", "huey", "dramatiq")},
}
_IMPORTED = """import os, sys
sys.path.append(os.getcwd())
from celery.app.utils import find_app
find_app(sys.argv[1])"""


class CannotJudge(Exception):
    """The target can't be run. The text is one sentence with the reason."""

    def _render_traceback_(self) -> list[str]:
        """Show only the sentence in a notebook; the judge's traceback does not help a learner."""
        return [str(self)]


@dataclass(frozen=True, slots=True)
class Running:
    """A process of a target.

    Attributes:
        process: None before the start, or if the process ended before its PID was looked up.
    """

    process: psutil.Process | None

    def alive(self) -> bool:
        """Return True if the process runs.

        A zombie counts as dead. A later process with the same pid does not count.
        """
        with suppress(psutil.NoSuchProcess):
            found = self.process
            return found is not None and found.is_running() and found.status() != "zombie"
        return False

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.alive():
            send_to_all(self.process.pid, number)


class Target:
    """A queue under test. Each of its producers and workers is a separate process.

    Attributes:
        stepped: True if the queue reports the steps of its methods.
        trusted: True for a library. The steps of a library are not tested, and every level counts
            as tested.
        has_where: True if the queue has a method `where`, which returns the location of a job.
        password: the password of the trials' servers; see `TrialServer`.
        work: the folder of all trials.
        group: all processes of the target.
    """

    stepped = trusted = has_where = False
    password = ""

    def __init__(self, name: str) -> None:
        self.name, self.group = name, ProcessGroup()
        self.work = self.group.folder / "work"
        self.work.mkdir(mode=0o700)

    def start(self, role: Role) -> Running:
        raise NotImplementedError

    def close(self) -> None:
        self.group.end()


class Learners(Target):
    """A learner's class.

    Two processes load the file, and workers are forked from them in turn. So a random value that
    the file chooses while it is loaded differs between the first and the second worker.

    Args:
        name: ``FILE.py:CLASS``.
        translate: translates the reason why the target can't be judged.
    """

    stepped = True

    def __init__(self, name: str, translate: Translate) -> None:
        super().__init__(name)
        path, _, queue_class = name.rpartition(":")
        target = f"{Path(path).resolve()}:{queue_class}"
        self._hosts = [_Host(target, self.work, self.group, translate) for _ in range(2)]
        try:
            loaded = [host.loaded() for host in self._hosts]
        except CannotJudge:
            self.close()
            raise
        self.has_where = bool(loaded[0]["where"])

    def start(self, role: Role) -> Running:
        number = int(re.sub(r"\D", "", role.who) or 0)
        return self._hosts[number % 2].start(role)

    def close(self) -> None:
        super().close()
        for host in self._hosts:
            host.close()


class _Host:
    """A process that loads the learner's file and forks the processes that run its class."""

    def __init__(self, target: str, work: Path, group: ProcessGroup, translate: Translate) -> None:
        self._path, self._translate = Path(target.rpartition(":")[0]), translate
        self._called = f"{self._path.name}:{target.rpartition(':')[2]}"
        self._log = os.fdopen(tempfile.mkstemp(dir=group.folder)[0], "rb")
        self._process = group.start(
            [sys.executable, "-P", "-m", "demo_app.judge.host", target, str(work)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            text=True, errors="replace",
        )  # fmt: skip
        self._lock = threading.Lock()

    def loaded(self) -> dict[str, object]:
        """Wait until the class is loaded, and return the process's report about the class.

        Raises:
            CannotJudge: the class can't be loaded.
        """
        failure = self._translate("{name} can't be loaded", name=self._called)
        began, timer = time.monotonic(), threading.Timer(_LOADING, self._process.kill)
        timer.start()
        try:
            return dict(json.loads(self._read(failure)))
        except CannotJudge:
            if time.monotonic() - began < _LOADING:
                raise
            endless = "{name} can't be loaded: it does not end within {seconds} s."
            why = self._translate(endless, name=self._called, seconds=f"{_LOADING:g}")
            raise CannotJudge(why) from None
        finally:
            timer.cancel()

    def start(self, role: Role) -> Running:
        assert self._process.stdin is not None
        with self._lock:
            with suppress(BrokenPipeError):
                print(role.to_json(), file=self._process.stdin, flush=True)
            pid = self._read(self._translate("The process that starts the others ended"))
        try:
            return Running(psutil.Process(int(pid)))
        except psutil.NoSuchProcess:
            return Running(None)

    def close(self) -> None:
        for stream in (self._log, self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()

    def _read(self, failure: str) -> str:
        assert self._process.stdout is not None
        if line := str(self._process.stdout.readline()):
            return line
        output = os.pread(self._log.fileno(), 100_000, 0).decode("utf-8", "replace")
        lines = [line for line in output.splitlines() if line.strip()]
        lines = lines or [self._translate("no reason was given")]
        numbers = re.findall(rf'"{re.escape(str(self._path))}", line (\d+)', "\n".join(lines))
        given = {"failure": failure, "error": lines[-1].rstrip("."), "line": "".join(numbers[-1:])}
        where = "{failure}: {error}, at its line {line}." if numbers else "{failure}: {error}."
        raise CannotJudge(self._translate(where, **given))


class Adapter(Target):
    """A target that the judge runs through an adapter: a library or a command."""

    def __init__(self, name: str, adapter: str, argument: str) -> None:
        self._adapter, self.trusted = adapter, adapter != "command:run_role"
        #: The password of the trial's server. A command connects over TCP, which every Redis
        #: library supports; the adapter of a library uses the unix socket, without a password.
        self.password = "" if self.trusted else secrets.token_hex(16)
        module, _, package = adapter.partition(":")
        if module == "on_redis" and not find_spec(package):
            raise CannotJudge(
                f"The package {package} is not installed. Install the libraries with "
                "`pip install 'jobs-that-survive[backends,bench]'`."
            )
        if not self.trusted:
            _find_program(argument)
        super().__init__(name)
        self.group.environment[COMMAND] = argument
        if adapter == "celery:run_role":
            self._find(argument)

    def start(self, role: Role) -> Running:
        # the role may be too long for an environment variable
        part = Path(role.files) / f"{role.who}.role"
        part.write_text(role.to_json(), "utf-8")
        with part.with_suffix(".log").open("ab") as log:
            child = self.group.start(
                [sys.executable, "-P", "-m", _ADAPTERS, self._adapter],
                {VARIABLE: str(part)},
                cwd=role.files if self.trusted else None,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        return Running(psutil.Process(child.pid))

    def _find(self, app: str) -> None:
        """Let later processes load the Celery app from the current folder.

        Raises:
            CannotJudge: the app can't be loaded.
        """
        self.group.environment[APPS] = os.getcwd()
        command = [sys.executable, "-P", "-c", _IMPORTED, app]
        given: Any = {"env": self.group.environment, "timeout": _LOADING, "errors": "replace"}
        try:
            found = subprocess.run(command, capture_output=True, **given)
            if not found.returncode:
                return
            reason = (found.stderr.strip().splitlines() or ["no reason was given"])[-1]
        except subprocess.TimeoutExpired:
            reason = "the import does not end"
        self.close()
        raise CannotJudge(f"The Celery app {app} can't be loaded: {reason}.")


def _find_program(command: str) -> None:
    try:
        program, *_ = shlex.split(command)
    except ValueError as error:
        raise CannotJudge(f"{command!r} is not a valid command line.") from error
    if not shutil.which(program):
        raise CannotJudge(f"There is no program {program}.")


def target_of(name: str, translate: Translate = str.format) -> Target:
    """Return the target with this name, as the user types it on the command line.

    Args:
        name: ``FILE.py:CLASS``, ``command:COMMAND``, ``celery:MODULE:APP``, or one of `KNOWN`.
        translate: translates the reason why the target can't be judged.

    Raises:
        CannotJudge: the target does not exist, or can't be loaded.
    """
    kind, _, argument = name.partition(":")
    if name in KNOWN:
        return Adapter(name, *KNOWN[name])
    if kind in ("command", "celery"):
        return Adapter(name, f"{kind}:run_role", argument)
    path, _, queue_class = name.rpartition(":")
    if not path.endswith(".py") or not queue_class:
        kinds = "neither FILE.py:CLASS nor celery:MODULE:APP nor command:COMMAND nor one of"
        raise CannotJudge(f"{name!r} is {kinds} {', '.join(KNOWN)}.")
    if not Path(path).is_file():
        raise CannotJudge(f"There is no file {path}.")
    return Learners(name, translate)
