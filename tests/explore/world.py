"""A world: a Redis server, workers, blogs, a virtual time, and a ledger of observations."""

from functools import partial
from typing import Any

from demo_app.backends.celery import CeleryBackend
from demo_app.blog import identity
from demo_app.blog.relay import Relay
from demo_app.settings import settings
from explore.frozen import Content, FrozenRedis
from explore.line import LINE
from explore.memory import Blog, Memory, dump, undump
from explore.plan import Ledger, Plan
from explore.worker import Worker, queue_of

#: A step: its name, the worker (or job, or blog) that takes it, the fault at one of its commands.
Event = tuple[Any, ...]
#: A state: the server's content, each database, the server's run id, the time, everything else.
Saved = tuple[Content, list[bytes], int, float, bytes]


class World:
    """One world. Only one world exists at a time, because all modules use its time."""

    here: "World"

    def __init__(self, plan: Plan, server: FrozenRedis) -> None:
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
        return Relay(database, CeleryBackend(self.producer), announce=announce, at_once=2)

    #: The attributes that are saved in addition to the server's content and the databases.
    _KEPT = ("workers", "blogs", "started", "put", "off", "mark", "ledger", "producer")

    def save(self, content: Content) -> Saved:
        kept = {name: getattr(self, name) for name in self._KEPT}
        databases = [database.own.serialize() for database in self.databases]
        return content, databases, self.server.run, self.now, dump(kept)

    def load(self, saved: Saved) -> None:
        World.here = self
        content, databases, self.server.run, now, kept = saved
        self.server.load(content)
        for database, image in zip(self.databases, databases, strict=True):
            database.own.deserialize(image)
        vars(self).update(undump(kept, self))
        self.move_to(now)

    def move_to(self, now: float) -> None:
        """Set the time. Redis's clock differs from it by `off` seconds."""
        LINE.present = LINE.clock.now = now
        self.server.now = now + self.off

    @property
    def now(self) -> float:
        """Return the true time (seconds)."""
        return LINE.present

    def jobs_in(self, key: str) -> list[str]:
        return list(self.server.read(key))

    def kind(self, job: str) -> str:
        return self.plan.jobs[int(job.removeprefix("j").partition("#")[0])]

    def task_id(self, job: str) -> str:
        """Return the job's task id. A "namesake" has the task id of the first job."""
        return "j0" if self.kind(job) == "namesake" else job

    def stored_id(self, job: str) -> str:
        """Return the job's id in Redis: namesakes are numbered in the order of enqueueing."""
        earlier = self.plan.jobs[: int(job.removeprefix("j"))].count("namesake")
        return f"j0#{earlier + 2}" if self.kind(job) == "namesake" else job

    def healthy(self) -> list[Worker]:
        return [
            worker
            for worker in self.workers.values()
            if not worker.paused and not worker.halted and worker.stuck <= self.now
        ]

    def may(self, kind: str) -> bool:
        """Return True if one more fault of this kind is within the bound."""
        done, bound = self.ledger.faults, self.plan.faults
        return done[kind] < getattr(bound, kind) and done.total() < bound.all
