"""How a lab starts and ends: its processes, and the other labs of this kernel."""

from __future__ import annotations

import atexit
import os
import time
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo_app.demo.timeline import Kill
from demo_app.jobs.backend import started_backend
from demo_app.settings import settings
from demo_app.stack import Stack, StackError
from demo_app.stack.client import Client
from demo_app.stack.reaper import MARKER
from demo_app.stack.supervisor import Event
from demo_app.uninterruptible import uninterruptible
from lab.language import say
from lab.progress import Progress

_CLOSED = "This lab is closed. Run the cell that starts it, then continue here."


class LabError(Exception):
    """Something that a learner can fix; shown as one sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True, slots=True)
class Posted:
    """An accepted comment. at: epoch seconds. took: seconds that the reader waited."""

    comment_id: int
    job_id: str
    at: float
    took: float


class Posts(list[Posted]):
    """The comments of one `post`, the first one first."""

    def __repr__(self) -> str:
        return say("1 comment posted" if len(self) == 1 else "{n} comments posted", n=len(self))


#: Those of this kernel that run or start.
LABS: list[Lifecycle] = []
_environment: dict[str, str] = {}  # this process's own DEMO_ variables, before its first lab


class Lifecycle:
    """A running stack, and a client that talks to it.

    One lab runs at a time, unless a second one is asked for with `beside`. Starting a lab ends the
    one before, so a cell that starts one may be run twice. The processes end when the kernel ends:
    by `atexit`, or by the stack's reaper if the kernel was killed.
    """

    def __init__(self, *, beside: bool = False, **options: Any) -> None:
        if not beside:
            close_all()
        if not LABS:
            _environment.clear()
            _environment.update({name: os.environ[name] for name in _demo_variables()})
        self.beside = beside
        self.posted = Posts()
        self.kills: list[Kill] = []
        #: When each dead process of the stack died, in epoch seconds, by its pid.
        self.died: dict[int, float] = {}
        self._since, self._page_began = "0-0", 0.0
        #: What must not outlive this lab.
        self.at_end = ExitStack()
        # a worker must find lab.jobs, wherever the notebook was started
        paths = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        found = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        options["environment"] = {**found, **options.get("environment", {})}
        options.setdefault("controls", True)  # lessons and their pages kill processes
        options["tasks"] = ("lab.jobs", *options.get("tasks", ()))
        self._restarted: set[int] = set()  # pids of processes that were started again
        stack = Stack(self._on_event, **options)
        self._stack: Stack | None = stack
        self._client: Client | None = None
        self._redis: Any = None
        LABS.append(self)
        try:
            with nullcontext() if beside else Progress("the start of the system"):
                uninterruptible(stack.__enter__)
            self._client = Client(self.stack.ready)
            self._enqueue_as_web_app()
        except BaseException as error:
            # another thread may have closed this lab, and what was started after that would go on
            uninterruptible(stack.stop)
            self.close()
            if isinstance(error, StackError):
                raise LabError(str(error)) from None
            raise

    def _on_event(self, event: Event) -> None:
        if event["event"] == "started":
            self._restarted.add(int(event["pid"]))
        elif event["event"] == "died":
            self.died.setdefault(int(event["pid"]), time.time())

    def __repr__(self) -> str:
        if self._stack is None:
            return say("This lab is closed.")
        pids = self.stack.ready["pids"]
        roles = [f"{role} (pid {', '.join(map(str, pids[role]))})" for role in pids if pids[role]]
        return say("Running: {roles}.", roles=", ".join(roles))

    def close(self) -> None:
        """End every process of this lab; may be called twice."""
        uninterruptible(self._close)

    def _close(self) -> None:
        self.at_end.close()
        redis, self._redis = self._redis, None
        client, self._client = self._client, None
        stack, self._stack = self._stack, None
        try:
            for connection in (redis, client):
                if connection is not None:
                    connection.close()
        finally:
            if stack is not None:
                with suppress(StackError):  # nobody needs what they would still do or write
                    for role in ("worker", "web", "smtp", "redis"):
                        stack.kill(role, restart=False)
                stack.stop()
            if self in LABS:
                LABS.remove(self)
                if not LABS:
                    _set_environment(_environment)

    def _enqueue_as_web_app(self) -> None:
        """From now on, `enqueue` in this notebook uses the same backend as the web app."""
        environment = self.stack.plan.environment()
        names = {name for name in environment if name.startswith("DEMO_")} - {MARKER}
        _set_environment({name: environment[name] for name in names})

    @property
    def stack(self) -> Stack:
        """The stack behind it. Raises LabError when the lab is closed."""
        if self._stack is None:
            raise LabError(say(_CLOSED))
        return self._stack

    @property
    def client(self) -> Client:
        """Talks to it over HTTP. Raises LabError when the lab is closed."""
        if self._client is None:
            raise LabError(say(_CLOSED))
        return self._client

    @property
    def redis(self) -> Any:
        """A connection to its Redis; answers are text."""
        if self._redis is None:
            self._redis = self.client.redis()
        return self._redis

    @property
    def redis_url(self) -> str:
        """The address of its Redis, as redis-py has it."""
        return str(self.stack.ready["redis"]).replace("redis+socket:", "unix:")

    @property
    def stock(self) -> bool:
        """Whether its worker takes jobs as stock Celery does."""
        return self.stack.options.transport == "stock"


def _demo_variables() -> list[str]:
    return [name for name in os.environ if name.startswith("DEMO_")]


def _set_environment(variables: dict[str, str]) -> None:
    for name in _demo_variables():
        del os.environ[name]
    os.environ.update(variables)
    settings.cache_clear()
    started_backend.cache_clear()


def close_all() -> None:
    """End every lab of this kernel."""
    while LABS:
        LABS[-1].close()


atexit.register(close_all)
