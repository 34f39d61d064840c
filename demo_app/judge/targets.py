"""Which target a command line means: a learner's class, a command, or a queue that people use."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from demo_app.judge.learners import Learners
from demo_app.judge.leash import Leash, send_to_all
from demo_app.judge.postgres import Cluster, programs
from demo_app.judge.record import Say
from demo_app.judge.role import COMMAND, VARIABLE, Role
from demo_app.judge.server import RedisServer, Server
from demo_app.judge.target import CannotJudge, Running, Target, private_folder

#: The queues with an adapter, which is a module in `adapters`, and what each is made of.
PACKAGES = {
    "claims": ("celery", "kombu"),
    "celery": ("celery", "kombu"),
    "celery-tutorial": ("celery", "kombu"),
    "rq": ("rq",),
    "huey": ("huey",),
    "dramatiq": ("dramatiq",),
    "arq": ("arq",),
    "taskiq": ("taskiq", "taskiq-redis"),
    "procrastinate": ("procrastinate",),
}
#: Celery apps that are judged with their own settings, by the names of their targets.
_APPS = {"celery-tutorial": "demo_app.judge.adapters.celery_settings:tutorial"}
_IMPORTED = "import sys; from celery.app.utils import find_app; find_app(sys.argv[1])"
#: Their names.
NAMES = tuple(PACKAGES)


def target_of(name: str, say: Say = str.format) -> Target:
    """The target of a command line: ``FILE.py:CLASS``, ``command:COMMAND``, ``celery:MODULE:APP``,
    or one of `NAMES`.

    Raises CannotJudge.
    """
    kind, _, command = name.partition(":")
    if name in NAMES or kind in ("command", "celery"):
        return Adapter(kind, command or _APPS.get(kind, ""))
    path, _, queue_class = name.rpartition(":")
    if not path.endswith(".py") or not queue_class:
        known = ", ".join(NAMES)
        kinds = "neither FILE.py:CLASS nor celery:MODULE:APP nor command:COMMAND nor one of"
        told = f"{name!r} is {kinds} {known}."
        raise CannotJudge(told)
    if not Path(path).is_file():
        raise CannotJudge(f"There is no file {path}.")
    return Learners(name, say)


class Adapter:
    """A queue of this name, or a command, in processes of its own."""

    stepped = has_where = False
    open_to = "a program, or a library, runs as you"

    def __init__(self, name: str, command: str = "") -> None:
        self.name, self.trusted = name, name in PACKAGES
        #: A program gets an address that every library can use, and that others reach, too.
        self.password = "" if self.trusted else secrets.token_hex(16)
        for package in PACKAGES.get(name, ()):
            try:
                version(package)
            except PackageNotFoundError as error:
                told = f"The package {package} is not installed: see the extras backends and judge."
                raise CannotJudge(told) from error
        try:
            if name not in PACKAGES and not shutil.which(shlex.split(command)[0]):
                raise CannotJudge(f"There is no program {shlex.split(command)[0]}.")
        except (ValueError, IndexError) as error:
            raise CannotJudge(f"{command!r} is no command.") from error
        self._children: list[subprocess.Popen[bytes]] = []
        self._cluster: Cluster | None = None
        self.work = private_folder("judge-")
        self.leash = Leash()
        self.leash.environment[COMMAND] = command
        if name.startswith("celery") and command:
            self._find(command)
        if name == "procrastinate":
            self._cluster = _cluster(self.leash)
            self.leash.environment["PGPASSWORD"] = self._cluster.password

    def server(self, folder: Path) -> Server:
        """See `Target`."""
        if self._cluster:
            return self._cluster.server()
        return RedisServer(folder, self.leash, self.password)

    def start(self, role: Role) -> Running:
        """See `Target`."""
        module = f"demo_app.judge.adapters.{self.name.partition('-')[0]}"
        main = f"from {module} import main; main()"
        with (Path(role.files) / f"{role.who}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-c", main],
                env={**self.leash.environment, VARIABLE: role.to_json()},
                cwd=role.files if self.trusted else None,
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

        def owns(pid: int) -> bool:
            """A library's own processes speak for it; of a program, only what is the judge's."""
            return pid == child.pid or (self.trusted and child.pid in _ancestors(pid))

        return Running(send, lambda: child.poll() is None, owns)

    def own(self, path: Path) -> None:
        """See `Target`; it runs as the judge's user."""

    def _find(self, app: str) -> None:
        """A reader's app is found from where the judge was called. Raises CannotJudge."""
        path = [os.getcwd(), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.leash.environment["PYTHONPATH"] = os.pathsep.join(path)
        command = [sys.executable, "-c", _IMPORTED, app]
        environment = self.leash.environment
        found = subprocess.run(command, env=environment, capture_output=True, text=True)
        if found.returncode:
            self.close()
            told = (found.stderr.strip().splitlines() or ["no reason was given"])[-1]
            raise CannotJudge(f"The Celery app {app} can't be loaded: {told}.")

    def close(self) -> None:
        """See `Target`."""
        self.leash.end()
        if self._cluster:
            self._cluster.close()
        for child in self._children:
            child.wait()
        shutil.rmtree(self.work, ignore_errors=True)


def _ancestors(pid: int) -> set[int]:
    try:
        return {one.pid for one in psutil.Process(pid).parents()}
    except psutil.Error:
        return set()


def _cluster(leash: Leash) -> Cluster:
    """PostgreSQL with the tables of Procrastinate. Raises CannotJudge."""
    programs()  # before its driver, which says in five lines that it wants a library of theirs
    try:
        from procrastinate.schema import SchemaManager
    except ImportError as error:
        why, *_ = str(error).splitlines()
        raise CannotJudge(f"PostgreSQL can't be used here: {why}") from error
    return Cluster(leash, SchemaManager.get_schema())
