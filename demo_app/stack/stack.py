"""`Stack`: the whole system as one object, for tests, notebooks and the command line."""

import signal
import uuid
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from redis import RedisError

from demo_app.broker.connection import connect
from demo_app.broker.deaths import note_killed
from demo_app.broker.queue import Queue
from demo_app.rig.control_pipe import OUTAGE, START_AGAIN, ControlPipe
from demo_app.rig.ports import release, take
from demo_app.rig.process import StackError
from demo_app.rig.redis_server import answers, binary, socket_path
from demo_app.rig.uninterruptible import uninterruptible
from demo_app.settings import complaint
from demo_app.stack.folder import Folder
from demo_app.stack.options import Options
from demo_app.stack.preflight import check, check_database
from demo_app.stack.roles import STOCK, StackPlan
from demo_app.stack.supervisor import Event, Supervisor


class Stack:
    """The running demo app with all its parts; a context manager.

    Args:
        on_event: a function to call for each death, restart and problem of a process.
        options: the fields of `Options`.

    Raises:
        StackError: an option is invalid, or the stack can't start. In both cases no process is
            left.
    """

    def __init__(self, on_event: Callable[[Event], None] | None = None, **options: Any) -> None:
        try:
            self.options = Options(**options)
        except ValidationError as error:
            raise StackError(f"{': '.join(filter(None, complaint(error)))}.") from None
        self._on_event = on_event or (lambda _: None)
        self._supervisor: Supervisor | None = None
        self._plan: StackPlan | None = None
        self._started = ExitStack()

    def __enter__(self) -> "Stack":
        try:
            self._start(self._started)
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self, started: ExitStack) -> None:
        folder = started.enter_context(closing(Folder(self.options.dir)))
        self._plan = plan = _plan(self.options, folder, started)
        self._supervisor = Supervisor(plan, self._tell)
        answers = {START_AGAIN: self._revive, OUTAGE: lambda: self._running().outage("redis")}
        started.enter_context(closing(ControlPipe(folder.control, answers)))
        started.callback(self._supervisor.stop)
        if self.options.autostart:
            self._supervisor.start_all(self._counts())

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def plan(self) -> StackPlan:
        """The plan of the stack. Raises StackError if the stack was not started."""
        if self._plan is None:
            raise StackError("The stack is not running.")
        return self._plan

    @property
    def ready(self) -> dict[str, Any]:
        """The addresses of all parts and the pids of living processes, as in ``up --json``."""
        plan, supervisor = self.plan, self._running()
        return {
            "web": plan.web_url,
            "inbox": plan.inbox_url,
            "smtp": f"127.0.0.1:{plan.smtp_port}",
            "redis": plan.redis_url,
            "token": plan.token,
            "dir": str(plan.folder.path),
            "pids": {role: supervisor.pids(role) for role in plan.roles},
        }

    def kill(
        self,
        role: str,
        number: signal.Signals = signal.SIGKILL,
        *,
        pid: int | None = None,
        restart: bool = True,
    ) -> list[int]:
        """Kill the role's processes, or send them another signal. Return their pids.

        Args:
            pid: only the process with this id; None for all.
            restart: if False, the supervisor restarts the role's processes only after a call of
                `start`. With the stack's option restart=False, it never restarts workers.

        Raises:
            StackError: the role is unknown.
        """
        return self._running().kill(self._known(role), number, hold=not restart, pid=pid)

    def start(self, role: str) -> None:
        """Start the missing processes of the role, and wait until they answer.

        If the supervisor restarts the role's dead processes anyway, only wait.

        Raises:
            StackError: a process does not answer, or the role is unknown.
        """
        supervisor, count = self._running(), self._counts()[self._known(role)]
        supervisor.revive(role, count)
        supervisor.wait_for(role, count)

    def stop(self) -> None:
        """End all processes, and delete a temporary folder. A second call does nothing.

        A Ctrl-C takes effect only after the call.
        """
        uninterruptible(self._started.close)
        self._supervisor = None

    def _tell(self, event: Event) -> None:
        """Call `on_event`. Record the death of a worker in the journal, if Redis answers.

        With the option `report_deaths`, also end the dead worker's lease.
        """
        self._on_event(event)
        if event["event"] == "died" and event["role"] == "worker":
            client = connect(self.plan.redis_url, timeout=1.0)
            with suppress(RedisError), closing(client):
                pid, ended = int(event["pid"]), self.options.report_deaths
                note_killed(Queue(client), pid, by="supervisor", end_lease=ended)

    def _counts(self) -> dict[str, int]:
        """Return the number of processes of each role, Redis first: all others need Redis."""
        has_worker = self.plan.backend().worker_command() is not None
        return {
            "redis": int(self.plan.redis_socket is not None),
            "smtp": 1,
            "web": 1,
            "worker": self.options.workers if has_worker else 0,
            STOCK: int(self.options.twin),
        }

    def _revive(self) -> None:
        supervisor = self._running()
        for role, count in self._counts().items():
            try:
                supervisor.revive(role, count)
            except StackError as error:
                self._on_event({"event": "trouble", "role": role, "what": str(error)})

    def _known(self, role: str) -> str:
        roles = self.plan.roles
        if role not in roles:
            raise StackError(f"There is no role {role!r}. Use one of {', '.join(roles)}.")
        return role

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise StackError("The stack is not running.")
        return self._supervisor


def _plan(options: Options, folder: Folder, started: ExitStack) -> StackPlan:
    def reserve(chosen: int, what: str) -> int:
        port = take(chosen, what)
        started.callback(release, port)
        return port

    stack_id = uuid.uuid4().hex
    folder.take_over(stack_id)
    if database_url := options.environment.get("DEMO_DATABASE_URL"):
        check_database(database_url)
    socket = None
    if options.redis_url is not None:
        check(options.redis_url)
        redis_url = options.redis_url
    else:
        binary()
        socket = socket_path(folder.redis)
        redis_url = f"redis+socket://{socket}"
        if answers(redis_url):  # two servers would corrupt the data
            why = f"A Redis server of an earlier run still uses {folder.redis}. Stop it first."
            raise StackError(why)
        started.callback(_remove, socket, folder.redis)
    return StackPlan(
        options=options,
        folder=folder,
        stack_id=stack_id,
        token=options.token or folder.token(),
        redis_url=redis_url,
        redis_socket=socket,
        web_port=reserve(options.web_port, "the web app"),
        inbox_port=reserve(options.inbox_port, "the inbox"),
        smtp_port=reserve(options.smtp_port, "the mail server"),
    )


def _remove(socket: Path, folder: Path) -> None:
    socket.unlink(missing_ok=True)
    if socket.parent != folder:
        socket.parent.rmdir()
