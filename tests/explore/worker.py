"""One worker process: the broker's own objects without Celery and its threads."""

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
from demo_app.broker.consumer_state import ConsumerState, Waiting
from demo_app.broker.in_flight import InFlight
from demo_app.broker.lease import LeaseLost
from demo_app.broker.lua import Call
from demo_app.broker.message import parse
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue
from demo_app.broker.throttled_log import ThrottledLog
from demo_app.jobs.perform import perform
from demo_app.worker.run import conclude
from explore.frozen import FrozenRedis
from explore.line import LINE

LISTS = ("mail", "mail:low")
LONGEST = 5.0  # longest wait for a token (seconds)
# reading the version from files at each worker's start is slow
lease.version = cache(lease.version)
held.gc = SimpleNamespace(collect=lambda: 0)  # type: ignore[assignment]  # see `Worker.drop`
# search in each heartbeat, not only in every fourth, for claimed jobs that can't run here: then the
# number of heartbeats is not part of a state
in_flight._LOOK_EVERY = 1


class Setup(NamedTuple):
    """The settings of one worker.

    Attributes:
        lease, beat: length of the lease, and interval of the heartbeat (seconds).
        places: maximum number of jobs that the worker holds; one of them runs at a time.
        history, rescues: `history_length` and `max_rescues` of `Options`.
        skew: difference between the worker's clock and the true time (seconds).
        goes_on: acknowledging a job also claims the next one, in the same step.
        foreign: True for a worker of another app, which acknowledges each job as done (this
            project's app also sets other endings, such as a retry).
        slow: the reply to a claim arrives in a separate step.
        waits: after a claim without a job the worker waits for a token.
    """

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
        return Options(self.lease, self.beat, self.rescues, 5.0, self.history)


class Wire:
    """A replacement for `lua.Scripts` that sends the same scripts through `LINE`.

    Attributes:
        files: by script name, the texts that replace the scripts' files.
        texts: the sent texts by name and options; clear it when `files` changes.
    """

    files: ClassVar[dict[str, str]] = {}
    texts: ClassVar[dict[tuple[str, Options], str]] = {}

    def __init__(self, server: FrozenRedis, setup: Setup) -> None:
        self._server, self.setup = server, setup

    def run(self, name: str, *arguments: str | float) -> Any:
        known = name, self.setup.options
        if known not in self.texts:
            self.texts[known] = text_of(*known)
        texts = [str(part) if isinstance(part, float) else part for part in arguments]
        return LINE.carry(partial(self._server.script, self.texts[known], texts))

    def together(self, calls: Sequence[Call]) -> list[Any]:
        """Run the calls one by one, so that other processes' steps can come between them."""
        return [self._answer(call) for call in calls]

    def _answer(self, call: Call) -> Any:
        try:
            return self.run(*call)
        except redis.RedisError as error:
            return error

    def use_own_connection(self, seconds: float) -> None:
        """Do nothing: in the exploration no call waits."""


class Client:
    """A replacement for redis-py's client that sends commands through `LINE`."""

    def __init__(self, server: FrozenRedis) -> None:
        self._server = server

    def _send(self, *words: str) -> Any:
        return LINE.carry(partial(self._server.command, *words))

    def get(self, key: str) -> Any:
        return self._send("GET", key)

    def set(self, key: str, value: str, nx: bool) -> Any:
        return self._send("SET", key, value, *["NX"] * nx)

    def smembers(self, key: str) -> Any:
        return sorted(self._send("SMEMBERS", key))


def queue_of(server: FrozenRedis, setup: Setup) -> Queue:
    queue = Queue(Client(server), setup.options)  # type: ignore[arg-type]
    queue.scripts = wire = Wire(server, setup)  # type: ignore[assignment]
    queue._run = wire.run
    return queue


def text_of(name: str, options: Options) -> str:
    """Return the text of a script with these options. `Wire.files` may replace its file."""
    own = lua._file

    def file(name: str) -> str:
        return Wire.files.get(name) or own(name)

    with mock.patch.object(lua, "_file", file):
        return lua._text.__wrapped__(name, file(name), options)


class Logged(ThrottledLog):
    """A log that stores its lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def log(self, write: Any, text: str, *parts: object, **options: object) -> None:
        self.lines.append(f"{text % parts} {options.get('exc_info', '')}")


def gone() -> None:
    """Return None, as a dead weak reference does."""


def no_info() -> str:
    """Return an empty description of the worker. The real one changes, for example its memory."""
    return "{}"


def waiting(phase: dict[str, str]) -> set[str]:
    """Return the tags of the messages that Celery has received and not started."""
    return {tag for tag, phase in phase.items() if phase == "waits"}


@dataclass
class Worker:
    """One worker process.

    Attributes:
        here: the broker's objects in this process.
        phase: for each delivery tag "waits", "runs", "has run", "ended" or "dropped".
        due: time of the next heartbeat.
        stuck: time until which a job blocks the whole process.
        halted: the step in the middle of which the process was stopped, the replies it had
            received, and the time at which the step began; () if it is not halted.
        consumer: chooses the next command.
        on_its_way: the jobs of a reply that has not arrived.
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
    consumer: ConsumerState = field(default_factory=ConsumerState)
    on_its_way: tuple[Claimed, ...] = ()

    @classmethod
    def start(cls, name: str, setup: Setup, server: FrozenRedis, blog: int) -> "Worker":
        """Return a new worker process. Its first heartbeat is sent in a later step."""
        phase: dict[str, str] = {}
        here = InFlight(queue_of(server, setup), partial(waiting, phase))
        here._queues, here.working = {"mail": None}, True
        here.lease._birth, here.lease._info = name, no_info
        return cls(name, setup, here, phase, blog, due=LINE.clock.now)

    @property
    def places(self) -> int:
        """Return how many more jobs the worker may hold."""
        return self.setup.places - len(self.here.held())

    @property
    def asleep(self) -> bool:
        """Return True if the worker waits the full time for a token. Shorter waits end at once."""
        command = self.consumer.next_command({"claim": ["mail"]}, LONGEST)
        return self.setup.waits and isinstance(command, Waiting) and command.seconds == LONGEST

    def tags(self, phase: str) -> list[str]:
        """Return the delivery tags in this phase, the oldest first."""
        return [tag for tag in self.here.held() if self.phase.get(tag) == phase]

    def round(self) -> list[str]:
        self.here.heartbeat._throttled = logged = Logged()
        self.due = LINE.clock.now + self.here.heartbeat.round()
        return logged.lines

    def claim(self, lists: Sequence[str] = LISTS) -> list[Claimed]:
        worker = self.here.lease.worker
        reply = self.here.queue.scripts.run("claim", worker, self.places, *lists)
        if self.setup.waits:
            self.consumer.replied("claim", reply)
        return claimed_by(worker, reply)

    def register_claim(self, claimed: Sequence[Claimed]) -> None:
        for job in claimed:
            if (tag := self.here.track(job)) is not None:
                self.phase[tag] = "waits"

    def run(self, tag: str) -> None:
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
        """Acknowledge the job. If the setup says so, claim the next one in the same command."""
        lists = LISTS if self.setup.goes_on else ()
        self.phase[tag] = "ended"
        following = self.here.finish(tag, Ending(Disposition.DONE), lists)
        if following is not None:
            self.register_claim([following])

    def drop(self) -> None:
        """Break Celery's connection, which drops the messages that have not started."""
        tags = self.tags("waits")
        self.here.claims.channel_closed(tags)
        for tag in tags:
            self.phase[tag] = "dropped"
            self.here.claims.get(tag).delivered = gone
