"""Which target a command line means: a learner's class, a command, or a queue that people use."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

from demo_app.judge.learners import Learners
from demo_app.judge.record import Say
from demo_app.judge.role import APPS, COMMAND, VARIABLE, Role
from demo_app.judge.target import CannotJudge, Running, Target

_ADAPTERS = "demo_app.judge.adapters"


@dataclass(frozen=True, slots=True)
class Known:
    """A queue with an adapter.

    adapter: a function of a module of `adapters`. argument: the app, or the command, that the
    adapter starts.
    """

    adapter: str
    argument: str = ""


_SETTINGS = f"{_ADAPTERS}.celery_settings"
KNOWN = {
    "claims": Known("claims:play"),
    "celery": Known("celery:play", f"{_SETTINGS}:advised"),
    "celery-tutorial": Known("celery:play", f"{_SETTINGS}:tutorial"),
    **{name: Known(f"on_redis:{name}") for name in ("rq", "huey", "dramatiq")},
}
_IMPORTED = """import os, sys
sys.path.append(os.getcwd())
from celery.app.utils import find_app
find_app(sys.argv[1])"""


def target_of(name: str, say: Say = str.format) -> Target:
    """The target of a command line: ``FILE.py:CLASS``, ``command:COMMAND``, ``celery:MODULE:APP``,
    or one of `KNOWN`.

    Raises CannotJudge.
    """
    kind, _, argument = name.partition(":")
    if name in KNOWN:
        return Adapter(name, KNOWN[name])
    if kind in ("command", "celery"):
        return Adapter(name, Known(f"{kind}:play", argument))
    path, _, queue_class = name.rpartition(":")
    if not path.endswith(".py") or not queue_class:
        kinds = "neither FILE.py:CLASS nor celery:MODULE:APP nor command:COMMAND nor one of"
        raise CannotJudge(f"{name!r} is {kinds} {', '.join(KNOWN)}.")
    if not Path(path).is_file():
        raise CannotJudge(f"There is no file {path}.")
    return Learners(name, say)


class Adapter(Target):
    """A queue of this name, or a command, in processes of its own."""

    def __init__(self, name: str, known: Known) -> None:
        self._known, self.trusted = known, name in KNOWN or known.adapter != "command:play"
        #: A program gets an address that every library can use, and that others reach, too.
        self.password = "" if self.trusted else secrets.token_hex(16)
        module, _, package = known.adapter.partition(":")
        if module == "on_redis" and not find_spec(package):
            raise CannotJudge(f"The package {package} is not installed: see the judge's page.")
        if not self.trusted:
            _find_program(known.argument)
        super().__init__(name)
        self.group.environment[COMMAND] = known.argument
        if known.adapter == "celery:play":
            self._find(known.argument)

    def start(self, role: Role) -> Running:
        """See `Target`."""
        part = Path(role.files) / f"{role.who}.role"  # which may be too long for a variable
        part.write_text(role.to_json(), "utf-8")
        with part.with_suffix(".log").open("ab") as log:
            child = self.group.start(
                [sys.executable, "-P", "-m", _ADAPTERS, self._known.adapter],
                {VARIABLE: str(part)},
                cwd=role.files if self.trusted else None,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        return Running(psutil.Process(child.pid))

    def _find(self, app: str) -> None:
        """A reader's app is found from where the judge was called. Raises CannotJudge."""
        self.group.environment[APPS] = os.getcwd()
        command = [sys.executable, "-P", "-c", _IMPORTED, app]
        environment = self.group.environment
        found = subprocess.run(command, env=environment, capture_output=True, text=True)
        if found.returncode:
            self.close()
            told = (found.stderr.strip().splitlines() or ["no reason was given"])[-1]
            raise CannotJudge(f"The Celery app {app} can't be loaded: {told}.")


def _find_program(command: str) -> None:
    """Raises CannotJudge."""
    try:
        program, *_ = shlex.split(command)
    except ValueError as error:
        raise CannotJudge(f"{command!r} is no command.") from error
    if not shutil.which(program):
        raise CannotJudge(f"There is no program {program}.")
