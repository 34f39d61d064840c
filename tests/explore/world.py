"""A world: a server, workers, jobs, blogs, and all that can happen to them next."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import redis

from demo_app import tasks
from demo_app.backends.celery import CeleryBackend, message_of
from demo_app.blog import identity, outbox, posts
from demo_app.blog.database import DatabaseMissing
from demo_app.blog.relay import Relay
from demo_app.broker.claim import Ending, Verdict
from demo_app.broker.message import compose
from demo_app.broker.queue import Kind, Queue
from demo_app.jobs import task
from demo_app.jobs.context import checkpoint, current
from demo_app.jobs.job import Job
from demo_app.judge.frozen import Content, FrozenRedis
from demo_app.mail.connection import MailDeferred
from demo_app.mail.message import Mail
from demo_app.settings import settings
from explore.line import LINE, Fault, Halted
from explore.memory import Blog, Memory, dump, undump
from explore.worker import LANES, Setup, Wire, Worker

#: Seconds: how long a job of the kind "hog" keeps its whole process from doing anything else.
HOG = 5.0
#: Seconds: when a job of the kind "later" is due.
LATER = 90.0
#: Seconds by which Redis' clock goes wrong.
AHEAD = 60.0

Event = tuple[Any, ...]
#: What the server has; each database; which run of the server it is; the time; all else.
Saved = tuple[Content, list[bytes], int, float, bytes]


class Faults(NamedTuple):
    """How often each fault may happen in one history; all: of all kinds together.

    lose: a command or its answer. halt: a process is stopped between two commands of one step.
    drop: Celery forgets what waits in it. rollback: Redis comes back with older data.
    """

    all: int = 0
    kill: int = 0
    pause: int = 0
    halt: int = 0
    lose: int = 0
    restart: int = 0
    wipe: int = 0
    rollback: int = 0
    drop: int = 0
    child: int = 0
    clock: int = 0


@dataclass(frozen=True)
class Plan:
    """One bounded world.

    jobs: the kind of each: plain, low (of the lower priority), poison (kills its worker), flaky
    (fails once), hog, later, foreign (as any Celery producer sends it). processes: a setup for each
    that may ever start; alive: so many at once. blogs: how many put in through an outbox; 0 for a
    queue alone. people: what a person may do, once each: retry, discard, purge. ended: so many jobs
    ended, and were forgotten, before. ready: the workers run before the first job is put in.
    batch: jobs that are put in at once. open: the promise that is known not to hold here yet.
    large: it takes more than a minute or two, and no test goes through it.
    """

    name: str
    jobs: tuple[str, ...] = ("plain", "plain")
    processes: tuple[Setup, ...] = (Setup(), Setup())
    alive: int = 2
    faults: Faults = Faults()  # noqa: RUF009 - a tuple
    blogs: int = 0
    people: tuple[str, ...] = ()
    ended: int = 0
    ready: bool = True
    batch: int = 1
    open: str = ""
    large: bool = False

    @property
    def bound(self) -> str:
        """In words."""
        faults = [f"{count} {name}" for name, count in self.faults._asdict().items() if count]
        jobs = [f"{n} {kind}" for kind, n in Counter(self.jobs).items()]
        told = f"jobs: {', '.join(jobs)}; workers: {self.alive}, of {len(self.processes)}"
        return f"{told}; blogs: {self.blogs}; faults: {', '.join(faults[1:]) or 'none'}" + (
            f", {self.faults.all} in all" if faults else ""
        )


@dataclass
class Ledger:
    """What everybody has seen: the only thing that promises are held against, beside Redis."""

    accepted: list[str] = field(default_factory=list)
    due: dict[str, float] = field(default_factory=dict)
    mail_of: dict[str, str] = field(default_factory=dict)
    begun: Counter[str] = field(default_factory=Counter)
    mailed: Counter[str] = field(default_factory=Counter)
    decided: set[str] = field(default_factory=set)  # jobs that a person discarded
    acts: set[str] = field(default_factory=set)  # what people did
    faults: Counter[str] = field(default_factory=Counter)
    touched: set[str] = field(default_factory=set)  # workers that something was done to
    broken: str = ""  # what the last step itself showed to be wrong

    @property
    def disturbed(self) -> int:
        """How many faults there were."""
        return self.faults.total()


class World:
    """See the module; one at a time, since its time is the time of all modules."""

    here: World

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
        if plan.ended:
            server.command("HSET", "counters", "done", plan.ended, "enqueued", plan.ended)
        self.producer = self._queue(plan.processes[0])
        chosen = settings().model_copy(update={"redis_url": server.url})
        self.chosen = chosen
        self.blogs = [Blog(self.relay(number)) for number in range(plan.blogs)]
        tasks.deliver, tasks.blog = _deliver, _blog  # type: ignore[assignment]
        identity.connect = Asking  # type: ignore[assignment]
        self._running: Worker | None = None
        if plan.ready:
            for _ in range(plan.alive):
                self.do(("start",))
            for name in self.workers:
                self.do(("round", name))

    def _queue(self, setup: Setup) -> Queue:
        queue = Queue(self.server.client, setup.options)
        queue.scripts = wire = Wire(self.server, setup)  # type: ignore[assignment]
        queue._run = wire.run
        return queue

    def relay(self, number: int) -> Relay:
        """The relay of a blog's web app."""
        announce = partial(announcing, number)
        backend = CeleryBackend(self.producer)
        return Relay(self.databases[number], backend, announce=announce, at_once=2)

    # What it is, and as what it is put back.

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
        self._at(now)

    def _at(self, now: float) -> None:
        LINE.present = LINE.clock.now = now
        self.server.now = now + self.off

    @property
    def now(self) -> float:
        """True seconds."""
        return LINE.present

    # What can happen.

    def enabled(self) -> list[Event]:
        """Everything that can happen next, faults apart."""
        events: list[Event] = []
        if self.put < len(self.plan.jobs):
            events.append(("put",))
        if len(self.workers) < self.plan.alive and self.started < len(self.plan.processes):
            events.append(("start",))
        for number, blog in enumerate(self.blogs):
            if outbox.size(self.databases[number], after=blog.relay._reached):
                events.append(("hand over", number))
            if blog.asked < self.now and outbox.size(self.databases[number]):
                events.append(("settle", number))
        waiting = any(self.server.has(f"queue:{lane}") for lane in LANES)
        for worker in self.workers.values():
            events += [(what, worker.name) for what in self._steps(worker, waiting)]
        events += [(what, job) for what in self.plan.people for job in self._deciding(what)]
        if self._time_may_pass():
            events.append(("pass",))
        return events

    def _steps(self, worker: Worker, waiting: bool) -> list[str]:
        if worker.halted or worker.paused:
            return ["go on"]
        if self.now < worker.stuck:
            return []
        steps = ["answer"] if worker.on_its_way else []
        if worker.tags("runs"):
            steps.append("run")
        elif worker.tags("has run"):
            steps.append("finish")
        elif worker.tags("waits"):
            steps.append("begin")
        if worker.here.lease.worker and waiting and worker.places > 0 and not worker.on_its_way:
            steps.append("claim")
        if self.now >= worker.due:
            steps.append("round")
        return steps

    def _deciding(self, what: str) -> list[str]:
        if what in self.ledger.acts:
            return []
        if what == "purge":
            return ["mail"]
        states = ("scheduled", "retrying", "dead")
        return sorted({job for state in states for job in self.jobs_in(state)[::2]})

    def jobs_in(self, key: str) -> list[str]:
        """All that a key has."""
        return list(self.server.read(key))

    def _healthy(self) -> list[Worker]:
        return [
            worker
            for worker in self.workers.values()
            if not worker.paused and not worker.halted and worker.stuck <= self.now
        ]

    def _time_may_pass(self) -> bool:
        """A healthy process does what it has to do in time."""
        return bool(self.workers) and all(
            self.now < worker.due and not worker.on_its_way for worker in self._healthy()
        )

    def faults(self) -> list[Event]:
        """Everything that can go wrong next, apart from what can happen within a step."""
        events: list[Event] = []
        for name, worker in self.workers.items():
            if self.may("kill"):
                events.append(("kill", name))
            if self.may("pause") and not worker.paused and not worker.halted:
                events.append(("pause", name))
            if self.may("drop") and worker.tags("waits"):
                events.append(("drop", name))
            if self.may("child") and worker.tags("runs"):
                events.append(("child", name))
            if self.may("lose") and worker.on_its_way:
                events.append(("lose", name))
        events += [(what,) for what in ("restart", "wipe") if self.may(what)]
        if self.may("rollback"):
            events.append(("mark",) if self.mark is None else ("rollback",))
        if self.off or self.may("clock"):
            events.append(("clock",))
        return events

    def variants(self, event: Event) -> list[Event]:
        """The ways in which the step, which was just taken, can go wrong at its commands."""
        steps = ("round", "claim", "run", "finish", "put", "hand over", "settle")
        if event[0] not in steps or len(event) > 2:
            return []
        found: list[Event] = []
        if self.may("halt") and event[0] in ("round", "claim", "run", "finish"):
            found += [(*event, "halt", at) for at in range(LINE.sent + 1)]
        if self.may("lose"):
            ways = ("unsent", "unanswered")
            found += [(*event, how, at) for at in range(LINE.sent) for how in ways]
        return found

    def may(self, kind: str) -> bool:
        """Whether one more fault of this kind is within the bound."""
        done, bound = self.ledger.faults, self.plan.faults
        return done[kind] < getattr(bound, kind) and done.total() < bound.all

    # How it happens.

    def do(self, event: Event) -> None:
        """Let it happen."""
        self.ledger.broken = ""
        random.seed(0)  # the part of a wait that is left to chance
        fault = None
        if len(event) > 2 and event[-2] in ("halt", "unsent", "unanswered"):
            *event_, what, at = event
            event, fault = tuple(event_), Fault(what, at)
            self._count("halt" if what == "halt" else "lose", *event[1:])
        what, *about = event
        if about and about[0] in self.workers:
            self._of_worker(self.workers[about[0]], what, fault)
        else:
            LINE.begin(fault, [], self.now)
            self._elsewhere(what, *about)

    def _count(self, kind: str, *about: Any) -> None:
        self.ledger.faults[kind] += 1
        self.ledger.touched |= {one for one in about if one in self.workers}
        if kind in ("restart", "wipe", "rollback", "clock"):
            self.ledger.touched |= self.workers.keys()

    def _of_worker(self, worker: Worker, what: str, fault: Fault | None) -> None:
        past, began = (), self.now
        if what == "go on":
            worker.paused = False
            if not worker.halted:
                return
            what, past, began = worker.halted
            worker.halted = ()
        before = dump(worker)
        LINE.begin(fault, list(past), self.now)
        LINE.clock.now, LINE.clock.skew = began, worker.setup.skew
        self._running = worker
        try:
            getattr(self, f"_{what.replace(' ', '_')}")(worker)
        except Halted:
            vars(worker).update(vars(undump(before, self)))
            worker.halted = (what, tuple(LINE.past), began)
        except redis.RedisError:
            pass  # the loop that called it goes on
        finally:
            LINE.clock.now, LINE.clock.skew = self.now, 0.0
            self._running = None
        worker.forget_ended()

    def _round(self, worker: Worker) -> None:
        epoch = worker.here.lease.worker
        failed = worker.round()
        if worker.name not in self.ledger.touched:
            if failed:
                self.ledger.broken = f"alive: {worker.name}: {failed[0]}"
            elif epoch and worker.here.lease.worker != epoch:
                self.ledger.broken = f"alive: {worker.name} is healthy, and was taken for dead"

    def _claim(self, worker: Worker) -> None:
        try:
            claimed = worker.claim()
        except redis.ResponseError:  # as `Consuming` does: it was taken for dead
            worker.here.lease.renew()
            return
        if LINE.fault is None and not claimed and worker.name not in self.ledger.touched:
            self._claimed_nothing(worker)
        worker.take_in(claimed)

    def _claimed_nothing(self, worker: Worker) -> None:
        """A place is free, and a job that nothing is known against waits: it was to be had."""
        suspects = self.jobs_in("deaths")[::2]
        ids = [job for lane in LANES for job in self.jobs_in(f"queue:{lane}")]
        held = {claim.id for claim in worker.here.held().values()}
        if set(ids) - set(suspects) and not held & set(suspects):
            self.ledger.broken = f"no-wait: {worker.name} has a place free, and gets nothing"

    def _begin(self, worker: Worker) -> None:
        tag = worker.tags("waits")[0]
        worker.phase[tag] = "runs"
        worker.here.begins(tag)
        job = worker.here.held()[tag].id
        self.ledger.begun[job] += 1
        kind = self.kind(job)
        if kind == "poison":
            del self.workers[worker.name]
        elif kind == "hog":
            worker.stuck = self.now + HOG
            self.ledger.touched.add(worker.name)

    def kind(self, job: str) -> str:
        return self.plan.jobs[int(job.removeprefix("j").partition("#")[0])]

    def _run(self, worker: Worker) -> None:
        worker.run(worker.tags("runs")[0])

    def _finish(self, worker: Worker) -> None:
        worker.finish(worker.tags("has run")[0])

    def _answer(self, worker: Worker) -> None:
        worker.take_in(worker.on_its_way.pop(0))

    def _kill(self, worker: Worker) -> None:
        self._count("kill", worker.name)
        del self.workers[worker.name]

    def _pause(self, worker: Worker) -> None:
        self._count("pause", worker.name)
        worker.paused = True

    def _drop(self, worker: Worker) -> None:
        self._count("drop", worker.name)
        worker.drop()

    def _child(self, worker: Worker) -> None:
        """The pool's process that ran the job died, and Celery's loop says so."""
        self._count("child", worker.name)
        tag = worker.tags("runs")[0]
        worker.here.set_ending(tag, Ending(Verdict.LOST, "the process that ran it died"))
        worker.finish(tag)

    def _elsewhere(self, what: str, about: Any = "") -> None:
        if what in ("restart", "wipe", "rollback", "clock") and not (what == "clock" and self.off):
            self._count(what)
        match what:
            case "put":
                self._put()
            case "start":
                self._start()
            case "hand over" | "settle":
                blog = self.blogs[about]
                with suppress(redis.RedisError, identity.AnotherBlog):  # the loop tries again
                    blog.relay.hand_over() if what == "hand over" else blog.relay.settle()
                blog.asked = self.now if what == "settle" else blog.asked
            case "pass":
                healthy = [w.due for w in self._healthy()]
                stuck = [w.stuck for w in self.workers.values() if w.stuck > self.now]
                self._at(min([*healthy, *stuck, self.now + 10.0 if healthy else self.now + 1.0]))
            case "restart":
                self.server.run += 1
            case "wipe":
                self.server.load(())
            case "mark":
                self.mark = self.server.save()
            case "rollback":
                assert self.mark is not None
                self.server.load(self.mark)
                self.server.run += 1
            case "clock":
                self.off = 0.0 if self.off else AHEAD
                self._at(self.now)
            case "retry" | "discard":
                self.ledger.acts.add(what)
                self.producer.decide(about, what, by="person")
                self.ledger.due.pop(about, None)
                self.ledger.decided |= {about} if what == "discard" else set()
            case "purge":
                self.ledger.acts.add(what)
                self.ledger.decided |= {
                    job for lane in LANES for job in self.jobs_in(f"queue:{lane}")
                }
                self.producer.purge(LANES, by="person")

    def sent(self, mail: str) -> None:
        """A job has its side effect now: its worker still holds it."""
        self.ledger.mailed[mail] += 1
        worker = self._running
        assert worker is not None
        if self.ledger.faults["wipe"] or self.ledger.faults["rollback"]:
            return  # Redis knows nothing of what it has lost
        claim = worker.here.held()[worker.tags("runs")[0]]
        running = self.jobs_in("running")
        if (claim.id, claim.number) not in zip(running[::2], running[1::2], strict=True):
            self.ledger.broken = f"may-send: {worker.name} sends, and {claim.id} is another's"

    def _start(self) -> None:
        number = self.started
        blog = number % max(1, self.plan.blogs)
        self.started += 1
        if self.plan.blogs:
            wanted = identity.announced(self.chosen)
            if wanted not in (None, self.databases[blog].id):
                return  # it does not start
        name = f"w{number + 1}"
        setup = self.plan.processes[number]
        self.workers[name] = Worker.start(name, setup, self.server, blog)

    def _put(self) -> None:
        number, name = self.put, f"j{self.put}"
        if self.plan.blogs:
            database = self.databases[number % self.plan.blogs]
            notify = tasks.notify_author
            comment, _ = posts.add_comment(
                database, 1, "A", "a@x.test", name, notify=notify, job_id=name
            )
            self.ledger.mail_of[name] = f"{database.id}/{comment.id}"
        else:
            if not self._put_in([f"j{n}" for n in range(number, number + self.plan.batch)]):
                return  # it was not accepted: the producer tries again
            self.put += self.plan.batch - 1
        self.put += 1
        self.ledger.accepted += [f"j{n}" for n in range(number, self.put)]

    def _put_in(self, names: list[str]) -> bool:
        """Put jobs into the queue; whether it said that it has them."""
        low = [-1 if self.kind(name) == "low" else 0 for name in names]
        jobs = [
            Job(explored.name, {}, "mail", priority, None, 0, name, 1e9)
            for name, priority in zip(names, low, strict=True)
        ]
        due = {name: self.now + LATER for name in names if self.kind(name) == "later"}
        try:
            if self.kind(names[0]) == "foreign":
                message = message_of(jobs[0])
                text, lane = compose(message), message.lane
                self.producer.publish(text, names[0], lane, kind=Kind.JOB, by="producer")
            else:
                messages = [(message_of(job), due.get(job.id)) for job in jobs]
                self.producer.enqueue_many(messages, by="producer")
        except redis.RedisError:
            return False
        self.ledger.due |= due
        self.ledger.mail_of |= {name: name for name in names}
        return True


class Asking:
    """A client for what says whose jobs these are: over the line's server, as all else is."""

    def __init__(self, _: str) -> None:
        self._ask = World.here.server.command

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        """It has no connection of its own."""

    def get(self, key: str) -> str | None:
        """See `redis.Redis`."""
        found: str | None = self._ask("GET", key)
        return found

    def set(self, key: str, value: str, *, nx: bool) -> None:
        """See `redis.Redis`."""
        self._ask("SET", key, value, *["NX"] * nx)


def announcing(number: int) -> None:
    """Say in Redis whose jobs these are."""
    identity.announce(World.here.chosen, World.here.databases[number])


@task(queue_name="mail")
@tasks.sends_mail
def explored() -> None:
    """What a job of a queue without a blog does."""
    context = current()
    assert context is not None
    world, job = World.here, context.job.id.partition("#")[0]
    if world.kind(job) == "flaky" and context.attempt == 1:
        raise MailDeferred("451 come again")
    checkpoint()
    world.sent(job)


def _deliver(mail: Mail) -> None:
    checkpoint()
    context = current()
    assert context is not None
    World.here.sent(f"{_blog().id}/{context.job.arguments['comment_id']}")


def _blog() -> Memory:
    worker = World.here._running
    assert worker is not None
    database = World.here.databases[worker.blog]
    context = current()
    assert context is not None
    if context.job.owner != database.id:
        raise DatabaseMissing("the job is about another blog")  # as `tasks.blog` does
    return database
