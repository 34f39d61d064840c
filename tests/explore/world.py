"""A world: a server, workers and blogs, what everybody in it has seen, and its time."""

from __future__ import annotations

from functools import partial
from typing import Any

from demo_app.backends.celery import CeleryBackend
from demo_app.blog import identity
from demo_app.blog.relay import Relay
from demo_app.settings import settings
from explore.frozen import Content
from explore.line import LINE
from explore.memory import Blog, Memory, dump, undump
from explore.plan import Ledger, Plan
from explore.remembering import RememberingRedis
from explore.worker import Worker, queue_of

#: What happens, to whom, and what goes wrong at which of its commands.
Event = tuple[Any, ...]
#: What the server has; each database; which run of the server it is; the time; all else.
Saved = tuple[Content, list[bytes], int, float, bytes]


class World:
    """See the module; one at a time, since its time is the time of all modules."""

    here: World

    def __init__(self, plan: Plan, server: RememberingRedis) -> None:
        World.here = self
        self.plan, self.server = plan, server
        self.databases = [Memory(number) for number in range(plan.blogs)]
        self.workers: dict[str, Worker] = {}
        self.started, self.put, self.off = 0, 0, 0.0
        self.mark: Content | None = None
        self.ledger = Ledger()
        LINE.clock.now = LINE.present = server.now = 1e9
        server.run = 1
        server.load(())
        for words in plan.before:
            server.command(*words)
        self.producer = queue_of(server, plan.processes[0])
        self.chosen = settings().model_copy(update={"redis_url": server.url})
        self.blogs = [Blog(self._relay(database)) for database in self.databases]
        self.running: Worker | None = None

    def _relay(self, database: Memory) -> Relay:
        announce = partial(identity.announce, self.chosen, database)
        backend = CeleryBackend(self.producer)
        return Relay(database, backend, announce=announce, at_once=2)

    #: What is of a world beside its server and its databases.
    _KEPT = ("workers", "blogs", "started", "put", "off", "mark", "ledger", "producer")

    def save(self, content: Content) -> Saved:
        """All of it; content: of the server."""
        kept = {name: getattr(self, name) for name in self._KEPT}
        databases = [database.own.serialize() for database in self.databases]
        return content, databases, self.server.run, self.now, dump(kept)

    def load(self, saved: Saved) -> None:
        """Be as it was."""
        World.here = self
        content, databases, self.server.run, now, kept = saved
        self.server.load(content)
        for database, image in zip(self.databases, databases, strict=True):
            database.own.deserialize(image)
        vars(self).update(undump(kept, self))
        self.move_to(now)

    def move_to(self, now: float) -> None:
        """It is so late, and as much later or earlier for Redis as its clock is wrong."""
        LINE.present = LINE.clock.now = now
        self.server.now = now + self.off

    @property
    def now(self) -> float:
        """True seconds."""
        return LINE.present

    def jobs_in(self, key: str) -> list[str]:
        """All that a key has."""
        return list(self.server.read(key))

    def kind(self, job: str) -> str:
        """What kind of job it is, see `Plan`."""
        return self.plan.jobs[int(job.removeprefix("j").partition("#")[0])]

    def task_id(self, job: str) -> str:
        """The id that a job's producer chooses: the first job's, for one of the kind "namesake"."""
        return "j0" if self.kind(job) == "namesake" else job

    def stored_id(self, job: str) -> str:
        """The id that Redis gives to a job, in the order in which namesakes are put in."""
        number = int(job.removeprefix("j"))
        earlier = self.plan.jobs[:number].count("namesake")
        return f"j0#{earlier + 2}" if self.kind(job) == "namesake" else job

    def healthy(self) -> list[Worker]:
        """The workers that nothing keeps from what they have to do."""
        return [
            worker
            for worker in self.workers.values()
            if not worker.paused and not worker.halted and worker.stuck <= self.now
        ]

    def may(self, kind: str) -> bool:
        """Whether one more fault of this kind is within the bound."""
        done, bound = self.ledger.faults, self.plan.faults
        return done[kind] < getattr(bound, kind) and done.total() < bound.all
