"""Which target a command line means: a learner's class, a command, or a queue that people use."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from demo_app.judge.learners import Learners
from demo_app.judge.postgres import Cluster, programs
from demo_app.judge.rabbit import RabbitServer, program
from demo_app.judge.record import Say
from demo_app.judge.role import COMMAND, VARIABLE, Role
from demo_app.judge.server import Server
from demo_app.judge.target import CannotJudge, Running, Target

_ADAPTERS = "demo_app.judge.adapters"


@dataclass(frozen=True, slots=True)
class Known:
    """A queue with an adapter. adapter: a function of a module of `adapters`. packages: what it is
    made of. argument: the app, or the command, that the adapter starts. schema: a program that
    prints its tables, if it keeps its jobs in PostgreSQL. rabbit: whether they are in RabbitMQ."""

    adapter: str
    packages: tuple[str, ...]
    argument: str = ""
    schema: str = ""
    rabbit: bool = False


def _celery(argument: str, *packages: str, rabbit: bool = False) -> Known:
    return Known("celery:play", ("celery", *(packages or ("kombu",))), argument, rabbit=rabbit)


def _command(argument: str) -> Known:
    return Known("command:play", (), argument)


_SETTINGS = f"{_ADAPTERS}.celery_settings"
_SIDEKIQ = Path(__file__).parent / "adapters" / "sidekiq.rb"
KNOWN = {
    "claims": Known("claims:play", ("celery", "kombu")),
    "celery": _celery(f"{_SETTINGS}:advised"),
    "celery-tutorial": _celery(f"{_SETTINGS}:tutorial"),
    "celery-redis-plus": _celery(f"{_SETTINGS}:redis_plus", "celery-redis-plus"),
    "celery-rabbitmq": _celery(f"{_SETTINGS}:rabbitmq", rabbit=True),
    **{name: Known(f"on_redis:{name}", (name,))
       for name in ("rq", "huey", "dramatiq", "arq", "saq", "streaq")},
    "taskiq": Known("on_redis:taskiq", ("taskiq", "taskiq-redis")),
    "sidekiq": _command(f"ruby {shlex.quote(str(_SIDEKIQ))}"),
    "procrastinate": Known(
        "on_postgres:procrastinate",
        ("procrastinate",),
        schema="from procrastinate.schema import SchemaManager as s; print(s.get_schema())",
    ),
    "pgqueuer": Known(
        "on_postgres:pgqueuer",
        ("pgqueuer",),
        schema="from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment as q; "
        "print(q().build_install_query())",
    ),
    "oban": Known(
        "on_postgres:oban",
        ("oban",),
        schema="from oban.schema import install_sql; print(install_sql())",
    ),
}  # fmt: skip
_IMPORTED = "import sys; from celery.app.utils import find_app; find_app(sys.argv[1])"


def target_of(name: str, say: Say = str.format) -> Target:
    """The target of a command line: ``FILE.py:CLASS``, ``command:COMMAND``, ``celery:MODULE:APP``,
    or one of `KNOWN`.

    Raises CannotJudge.
    """
    kind, _, argument = name.partition(":")
    if name in KNOWN:
        return Adapter(name, KNOWN[name])
    if kind == "command":
        return Adapter(name, _command(argument))
    if kind == "celery":
        return Adapter(name, _celery(argument))
    path, _, queue_class = name.rpartition(":")
    if not path.endswith(".py") or not queue_class:
        kinds = "neither FILE.py:CLASS nor celery:MODULE:APP nor command:COMMAND nor one of"
        raise CannotJudge(f"{name!r} is {kinds} {', '.join(KNOWN)}.")
    if not Path(path).is_file():
        raise CannotJudge(f"There is no file {path}.")
    return Learners(name, say)


def versions(name: str) -> dict[str, str]:
    """Of what the queue is made of. Raises CannotJudge for a package that is not installed."""
    known = KNOWN.get(name, KNOWN.get(name.partition(":")[0], Known("", ("redis",))))
    try:
        found = {package: version(package) for package in known.packages}
    except PackageNotFoundError as error:
        raise CannotJudge(
            f"The package {error.name} is not installed: see the judge's page."
        ) from error
    if not known.packages:
        found["sidekiq"] = _said("sidekiq", "--version").split()[-1]
    if known.schema:
        found["PostgreSQL"] = _said(programs()[1], "--version").split()[2]
    if known.rabbit:
        found["RabbitMQ"] = program().parts[-3].rpartition("-")[2]
    return found


def _said(*command: str) -> str:
    """What a program prints. Raises CannotJudge when it is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotJudge(f"{command[0]} does not work here.") from error


class Adapter(Target):
    """A queue of this name, or a command, in processes of its own."""

    open_to = "a program, or a library, runs as you"

    def __init__(self, name: str, known: Known) -> None:
        self._known, self.trusted = known, name in KNOWN or known.adapter != "command:play"
        #: A program gets an address that every library can use, and that others reach, too.
        self.password = "" if self.trusted else secrets.token_hex(16)
        if self.trusted:
            versions(name)
        else:
            _find_program(known.argument)
        self._children: list[subprocess.Popen[bytes]] = []
        self._cluster: Cluster | None = None
        super().__init__(name)
        self.leash.environment[COMMAND] = known.argument
        if known.adapter == "celery:play":
            self._find(known.argument)
        if known.schema:
            self._cluster = Cluster(self.leash, _said(sys.executable, "-c", known.schema))
            self.leash.environment["PGPASSWORD"] = self._cluster.password

    def server(self, folder: Path, *, fsync: bool) -> Server:
        """See `Target`."""
        if self._known.rabbit:
            return RabbitServer(folder, self.leash)
        if self._cluster:
            return self._cluster.server(folder)
        return super().server(folder, fsync=fsync)

    def start(self, role: Role) -> Running:
        """See `Target`."""
        part = Path(role.files) / f"{role.who}.role"  # which may be too long for a variable
        part.write_text(role.to_json(), "utf-8")
        with part.with_suffix(".log").open("ab") as log:
            child = self.leash.start(
                [sys.executable, "-m", _ADAPTERS, self._known.adapter],
                {VARIABLE: str(part)},
                cwd=role.files if self.trusted else None,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._children.append(child)
        # of a program, only what is the judge's speaks
        return Running(psutil.Process(child.pid), family=self.trusted)

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
        super().close()
        for child in self._children:
            child.wait()


def _find_program(command: str) -> None:
    """Raises CannotJudge."""
    try:
        program, *_ = shlex.split(command)
    except ValueError as error:
        raise CannotJudge(f"{command!r} is no command.") from error
    if not shutil.which(program):
        raise CannotJudge(f"There is no program {program}.")
