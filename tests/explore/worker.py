"""One worker process: the broker's own objects, as Celery drives them, without its threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple
from unittest import mock

import redis

from demo_app.backends.celery import job_of
from demo_app.broker import held, in_flight, lease, lua
from demo_app.broker.claim import Claimed, Disposition, Ending, claimed_by
from demo_app.broker.in_flight import InFlight
from demo_app.broker.lease import LeaseLost
from demo_app.broker.lua import Call
from demo_app.broker.message import parse
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue
from demo_app.broker.throttled_log import ThrottledLog
from demo_app.broker.turns import Turns, Waiting
from demo_app.jobs.perform import perform
from demo_app.worker.run import conclude
from explore.line import LINE
from explore.remembering import RememberingRedis

LISTS = ("mail", "mail:low")
LONGEST = 5.0  # seconds that a wait for a token lasts
lease.version = cache(lease.version)  # it reads files, at each start of a worker
held.gc = SimpleNamespace(collect=lambda: 0)  # type: ignore[assignment]  # `drop` says what is gone
in_flight._LOOK_EVERY = 1  # so that a state need not count rounds


class Setup(NamedTuple):
    """How one worker is set. places: for jobs, begun or not; one runs at a time.
    skew: of its clock, in seconds. goes_on: it takes the next job in the step that ends one.
    foreign: not this project's app, which says how each job is to end. slow: the answer to a claim
    arrives in a step of its own. waits: after a claim that found nothing it waits for a token."""

    lease: float = 3.0
    beat: float = 1.5
    places: int = 1
    history: int = 20_000
    rescues: int = 1
    skew: float = 0.0
    goes_on: bool = False
    foreign: bool = False
    slow: bool = False
    waits: bool = False

    @property
    def options(self) -> Options:
        """The broker's."""
        return Options(self.lease, self.beat, self.rescues, 5.0, self.history)


class Wire:
    """Stands where `lua.Scripts` does: the same texts, each sent over the line.

    files: by name, what takes the place of a script's own file. texts: those that were sent, by
    name and options; to be emptied when `files` is changed.
    """

    files: ClassVar[dict[str, str]] = {}
    texts: ClassVar[dict[tuple[str, Options], str]] = {}

    def __init__(self, server: RememberingRedis, setup: Setup) -> None:
        self._server, self.setup = server, setup

    def run(self, name: str, *arguments: str | float) -> Any:
        """See `lua.Scripts.run`."""
        known = name, self.setup.options
        if known not in self.texts:
            self.texts[known] = text_of(*known)
        given = [str(part) if isinstance(part, float) else part for part in arguments]
        return LINE.carry(partial(self._server.script, self.texts[known], given))

    def together(self, calls: Sequence[Call]) -> list[Any]:
        """See `lua.Scripts.together`. Here each goes by itself: what the others do between two of
        them is explored too."""
        return [self._answer(call) for call in calls]

    def _answer(self, call: Call) -> Any:
        try:
            return self.run(*call)
        except redis.RedisError as error:
            return error

    def hurry(self, seconds: float) -> None:
        """There is no waiting here."""


class Client:
    """Stands where redis-py's does, for what is no script: over the line as well."""

    def __init__(self, server: RememberingRedis) -> None:
        self._server = server

    def _ask(self, *words: str) -> Any:
        return LINE.carry(partial(self._server.command, *words))

    def get(self, key: str) -> Any:
        """See redis-py."""
        return self._ask("GET", key)

    def set(self, key: str, value: str, nx: bool) -> Any:
        """See redis-py."""
        return self._ask("SET", key, value, *["NX"] * nx)

    def smembers(self, key: str) -> Any:
        """See redis-py."""
        return sorted(self._ask("SMEMBERS", key))


def queue_of(server: RememberingRedis, setup: Setup) -> Queue:
    """The queue as a process has it."""
    queue = Queue(Client(server), setup.options)  # type: ignore[arg-type]
    queue.scripts = wire = Wire(server, setup)  # type: ignore[assignment]
    queue._run = wire.run
    return queue


def text_of(name: str, options: Options) -> str:
    """A script's whole text."""
    own = lua._file

    def file(one: str) -> str:
        return Wire.files.get(one) or own(one)

    with mock.patch.object(lua, "_file", file):
        text: str = lua._text.__wrapped__(name, file(name), options)
        return text


class Logged(ThrottledLog):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def log(self, write: Any, text: str, *parts: object, **options: object) -> None:
        """See `ThrottledLog`."""
        self.lines.append(f"{text % parts} {options.get('exc_info', '')}")


def gone() -> None:
    """In place of a reference to what Python has deleted."""


def no_info() -> str:
    """In place of what a worker tells of itself, such as its memory."""
    return "{}"


def waiting(phase: dict[str, str]) -> set[str]:
    """What Celery's worker has received and not begun. phase: of each tag."""
    return {tag for tag, phase in phase.items() if phase == "waits"}


@dataclass
class Worker:
    """See the module.

    phase: of each delivery tag: waits, runs, or has run. due: when its next heartbeat is. stuck:
    until when a job lets nothing else run. halted: the step in whose middle it was stopped, with
    what it had got; () for between two. turns: which command it sends next. on_its_way: an
    answer that has not arrived.
    """

    name: str
    setup: Setup
    here: InFlight
    phase: dict[str, str]
    blog: int = 0
    due: float = 0.0
    stuck: float = 0.0
    paused: bool = False
    halted: tuple[Any, ...] = ()
    turns: Turns = field(default_factory=Turns)
    on_its_way: tuple[Claimed, ...] = ()

    @classmethod
    def start(cls, name: str, setup: Setup, server: RememberingRedis, blog: int) -> Worker:
        """A new process, before its first heartbeat."""
        phase: dict[str, str] = {}
        here = InFlight(queue_of(server, setup), partial(waiting, phase))
        here._queues, here.working = {"mail": None}, True
        here.lease._birth, here.lease._info = name, no_info
        return cls(name, setup, here, phase, blog, due=LINE.clock.now)

    @property
    def places(self) -> int:
        """How many more jobs there is a place for."""
        return self.setup.places - len(self.here.held())

    @property
    def asleep(self) -> bool:
        """It waits for a token. A wait that is to be short is taken to be over at once."""
        command = self.turns.next_command({"claim": ["mail"]}, LONGEST)
        waits = isinstance(command, Waiting) and command.seconds == LONGEST
        return self.setup.waits and waits

    def tags(self, phase: str) -> list[str]:
        """The deliveries in this phase, the oldest first."""
        return [tag for tag in self.here.held() if self.phase.get(tag) == phase]

    def round(self) -> list[str]:
        """A heartbeat; returns what it complained of."""
        self.here.heartbeat._throttled = logged = Logged()
        self.due = LINE.clock.now + self.here.heartbeat.round()
        return logged.lines

    def claim(self, lists: Sequence[str] = LISTS) -> list[Claimed]:
        """Ask for as many jobs as there is a place for."""
        worker = self.here.lease.worker
        reply = self.here.queue.scripts.run("claim", worker, self.places, *lists)
        if self.setup.waits:
            self.turns.replied("claim", reply)
        return claimed_by(worker, reply)

    def take_in(self, claimed: Sequence[Claimed]) -> None:
        """An answer has come."""
        for one in claimed:
            if (tag := self.here.track(one)) is not None:
                self.phase[tag] = "waits"

    def run(self, tag: str) -> None:
        """Run the job, and say how it is to end."""
        try:
            job = job_of(parse(self.here.message(tag)))
            notes: dict[str, Any] = {}
            outcome = perform(job, check=partial(self.here.check, tag), notes=notes)
            if not self.setup.foreign:
                conclude(self.here, tag, job.task, outcome, {})
        except LeaseLost:
            self.here.set_ending(tag, Ending(Disposition.REQUEUE, "the lease was lost"))
        self.phase[tag] = "has run"

    def finish(self, tag: str) -> None:
        """Acknowledge it."""
        lists = LISTS if self.setup.goes_on else ()
        self.phase[tag] = "ended"
        following = self.here.finish(tag, Ending(Disposition.DONE), lists)
        if following is not None:
            self.take_in([following])

    def drop(self) -> None:
        """Celery's connection breaks: it forgets what waits in it."""
        tags = self.tags("waits")
        self.here.claims.channel_closed(tags)
        for tag in tags:
            self.phase[tag] = "dropped"
            held = self.here.claims.get(tag)
            assert held is not None
            held.delivered = gone  # type: ignore[assignment]

    def forget_ended(self) -> None:
        """Of what is held no more, nothing is known."""
        for tag in self.phase.keys() - self.here.held().keys():
            del self.phase[tag]
