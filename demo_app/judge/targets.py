"""Which target a command line means: a learner's class, a command, or a queue that people use."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from demo_app.judge.learners import Learners
from demo_app.judge.leash import Leash, send_to_all
from demo_app.judge.postgres import Cluster
from demo_app.judge.record import Say
from demo_app.judge.role import COMMAND, VARIABLE, Role
from demo_app.judge.server import RedisServer, Server
from demo_app.judge.target import CannotJudge, Running, Target

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
#: Their names.
NAMES = tuple(PACKAGES)


def target_of(name: str, say: Say = str.format) -> Target:
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
    return Learners(name, say)


class Adapter:
    """A queue of this name, or a command, in processes of its own."""

    stepped = False

    def __init__(self, name: str, command: str = "") -> None:
        self.name = name
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
        self.leash = Leash()
        self.leash.environment[COMMAND] = command
        self._cluster = _cluster(self.leash) if name == "procrastinate" else None
        self._children: list[subprocess.Popen[bytes]] = []

    def server(self, folder: Path) -> Server:
        """See `Target`."""
        return self._cluster.server() if self._cluster else RedisServer(folder, self.leash)

    def start(self, role: Role) -> Running:
        """See `Target`."""
        module = f"demo_app.judge.adapters.{self.name.replace('-', '_')}"
        main = f"from {module} import main; main()"
        with (Path(role.folder) / f"{role.who}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-c", main],
                env={**self.leash.environment, VARIABLE: role.to_json()},
                cwd=role.folder if self.name in PACKAGES else None,
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
        if self._cluster:
            self._cluster.close()
        for child in self._children:
            child.wait()


def _cluster(leash: Leash) -> Cluster:
    """PostgreSQL with the tables of Procrastinate."""
    try:
        from procrastinate.schema import SchemaManager
    except ImportError as error:
        raise CannotJudge(f"PostgreSQL can't be used here: {error}.") from error
    return Cluster(leash, SchemaManager.get_schema())
