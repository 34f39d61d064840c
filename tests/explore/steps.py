"""The steps of a world: one function for each kind of event."""

import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from unittest.mock import patch

import redis

from demo_app.blog import identity, outbox, posts
from demo_app.broker.claim import Claimed, Disposition, Ending
from demo_app.broker.events import event_of
from demo_app.tasks import notify_author
from explore.frozen import FrozenRedis
from explore.jobs import put_in
from explore.line import AT_COMMANDS, LINE, Fault, Halted
from explore.memory import dump, undump
from explore.plan import Faults, Plan
from explore.promises import rows_of
from explore.worker import LISTS, Worker
from explore.world import Event, World

#: Seconds for which a job of the kind "hog" blocks its whole process.
HOG = 5.0
#: Seconds by which Redis's clock jumps.
AHEAD = 60.0


def begin(plan: Plan, server: FrozenRedis) -> World:
    world = World(plan, server)
    for _ in range(plan.alive):
        do(world, ("start",))
    for name in world.workers:
        do(world, ("round", name))
    return world


def parted(event: Event) -> tuple[Event, Fault | None]:
    if event[-2:-1] and event[-2] in AT_COMMANDS:
        return event[:-2], Fault(*event[-2:])
    return event, None


def do(world: World, event: Event) -> None:
    world.ledger.broken = ""
    random.seed(0)  # so that the random part of each wait is always the same
    event, fault = parted(event)
    what, *about = event
    kind = AT_COMMANDS[fault.what] if fault else what
    if kind in Faults._fields and not (kind == "clock" and world.off):
        world.ledger.faults[kind] += 1
        # a fault of the server, not of a worker or a command, affects all workers
        of_server = not about and fault is None
        world.ledger.touched |= world.workers.keys() & (world.workers if of_server else set(about))
    if about and about[0] in world.workers:
        _of_worker(world, world.workers[about[0]], what, fault)
    else:
        LINE.begin(fault, [], world.now)
        _ELSEWHERE[what](world, *about)


# Steps in a worker.


def _of_worker(world: World, worker: Worker, what: str, fault: Fault | None) -> None:
    past, began = (), world.now
    if what == "go on":
        worker.paused = False
        if not worker.halted:
            return
        what, past, began = worker.halted
        worker.halted = ()
    before = dump(worker) if fault and fault.what == "halt" else b""
    LINE.begin(fault, list(past), world.now)
    LINE.clock.now, LINE.clock.skew = began, worker.setup.skew
    world.running = worker
    try:
        _ON_WORKER[what](world, worker)
    except Halted:
        vars(worker).update(vars(undump(before, world)))
        worker.halted = (what, tuple(LINE.past), began)
    except redis.RedisError:
        pass  # the worker tries again in a later step
    finally:
        LINE.clock.now, LINE.clock.skew = world.now, 0.0
        world.running = None
    for tag in worker.phase.keys() - worker.here.held().keys():
        del worker.phase[tag]


def _round(world: World, worker: Worker) -> None:
    epoch = worker.here.lease.worker
    failed = worker.round()
    if not failed and epoch == worker.here.lease.worker:
        world.ledger.broken = _wrong_beat(world, worker)
        world.ledger.waits |= {(epoch, job) for job in worker.here._waiting_in_redis}
    if worker.name not in world.ledger.touched:
        if failed:
            world.ledger.broken = f"alive: {worker.name}: {failed[0]}"
        elif epoch and worker.here.lease.worker != epoch:
            world.ledger.broken = f"alive: {worker.name} is healthy, and was declared dead"


def _wrong_beat(world: World, worker: Worker) -> str:
    """Return the promise that the heartbeat broke, and how; "" if none."""
    held = worker.here.held()
    if worker.here.lease.worker not in world.jobs_in("workers"):
        return f"alive: {worker.name} has had its heartbeat, and Redis does not know it"
    listed = set(world.jobs_in(f"waiting:{worker.here.lease.worker}"))
    if listed != {held[tag].id for tag in worker.tags("waits")}:
        return (
            f"patience: {worker.name}: Redis has a wrong list of waiting jobs: {listed or 'none'}"
        )
    if worker.here._pending:
        return f"cleanup: {worker.name} still has acknowledgements that Redis has received"
    return ""


def _claim(world: World, worker: Worker) -> None:
    suspects = set(world.jobs_in("deaths")[::2])
    waiting = [job for list_name in LISTS for job in world.jobs_in(f"queue:{list_name}")[::-1]]
    try:
        claimed = worker.claim()
    except redis.ResponseError as error:
        # the lease was lost: renew it, as `Channel` does
        if str(error).startswith("LEASELOST"):
            worker.here.lease.renew().send()
        return
    if LINE.fault is None and worker.name not in world.ledger.touched:
        world.ledger.broken = _wrong_claim(world, worker, claimed, waiting, suspects)
    if worker.setup.slow:
        worker.on_its_way = tuple(claimed)
    else:
        worker.register_claim(claimed)
        if {one.claim for one in claimed} - set(worker.here.held().values()):
            world.ledger.broken = f"no-idle: {worker.name} gets what it does not take"


def _wrong_claim(
    world: World, worker: Worker, claimed: list[Claimed], waiting: list[str], suspects: set[str]
) -> str:
    """Return the promise that the claim broke, and how; "" if none.

    Args:
        waiting: the ids of the jobs that were queued before the claim, in their order.
        suspects: the ids of suspected poison jobs.
    """
    ids = [one.claim.id for one in claimed]
    held = {claim.id for claim in worker.here.held().values()} - set(ids)
    if set(waiting) - suspects and not held & suspects and not ids:
        return f"no-idle: {worker.name} has a place free, and gets nothing"
    if len(ids) > worker.places > 0:
        return f"no-idle: {worker.name} gets {len(ids)} jobs, and has {worker.places} places"
    for one in claimed:
        events = [event_of(line).event for line in world.jobs_in(f"job:{one.claim.id}")]
        since = events[::-1].index("enqueued")
        if one.redelivered != (events[-since:].count("claimed") > 1):
            return f"history: {one.claim.id} is said to be redelivered: {one.redelivered}"
    if not suspects & set(waiting) and ids != waiting[: len(ids)]:
        return f"order: {worker.name} gets {', '.join(ids)} of {', '.join(waiting)}"
    return ""


def _wake(world: World, worker: Worker) -> None:
    """Remove a token from Redis, as BLPOP does, so that the worker may claim again."""
    list_name = next(list_name for list_name in LISTS if world.server.has(f"wake:{list_name}"))
    world.server.command("LPOP", f"wake:{list_name}")
    worker.consumer.begin()


def _answer(world: World, worker: Worker) -> None:
    claimed, worker.on_its_way = worker.on_its_way, ()
    worker.register_claim(claimed)


def _begin(world: World, worker: Worker) -> None:
    tag = worker.tags("waits")[0]
    worker.here.begins(tag)
    worker.phase[tag] = "runs"
    claim = worker.here.held()[tag]
    job = claim.id
    if LINE.fault is None and job in world.jobs_in(f"waiting:{claim.worker}"):
        world.ledger.broken = f"bounded: {job} begins in {worker.name}, and Redis has that it waits"
    world.ledger.begun[job] += 1
    world.ledger.waits.discard((claim.worker, job))
    kind = world.kind(job)
    if kind == "poison":
        del world.workers[worker.name]
    elif kind == "hog":
        worker.stuck = world.now + HOG
        world.ledger.touched.add(worker.name)


def _leave(world: World, worker: Worker) -> None:
    """Shut the worker down gracefully. It may still hold jobs."""
    epoch = worker.here.lease.worker
    worker.here.leave()
    if epoch in world.jobs_in("workers"):
        world.ledger.broken = f"cleanup: {epoch} has left, and Redis has it"
    del world.workers[worker.name]


def _pause(world: World, worker: Worker) -> None:
    worker.paused = True


def _child(world: World, worker: Worker) -> None:
    """Let the pool's process die while it runs a job: the worker acknowledges the job as lost."""
    tag = worker.tags("runs")[0]
    worker.here.set_ending(tag, Ending(Disposition.LOST, "the process that ran it died"))
    worker.finish(tag)


# Steps outside workers.


def _start(world: World) -> None:
    blog = world.started % max(1, world.plan.blogs)
    world.started += 1
    if world.plan.blogs:
        owner = identity.announced(world.chosen)
        if owner not in (None, world.databases[blog].id):
            return  # a worker of another blog does not start
    name = f"w{world.started}"
    setup = world.plan.processes[world.started - 1]
    world.workers[name] = Worker.start(name, setup, world.server, blog)


def _put(world: World) -> None:
    names = [f"j{n}" for n in range(world.put, world.put + world.plan.batch)]
    if world.plan.blogs:
        [name] = names
        database = world.databases[world.put % world.plan.blogs]
        with patch("uuid.uuid4", return_value=name):  # the id of the comment's job
            comment, _ = posts.add_comment(database, 1, "A", "a@x.test", name, notify=notify_author)
        world.ledger.mail_of[name] = f"{database.id}/{comment.id}"
    elif not put_in(world, names):
        return  # not confirmed: the producer tries again
    for words in world.plan.after_put if world.put == 0 else ():
        world.server.command(*words)
    world.ledger.accepted += names
    world.put += len(names)


def _hand_over(world: World, number: int) -> None:
    with suppress(redis.RedisError, identity.AnotherBlog):  # the relay's loop tries again
        count, owner = world.blogs[number].relay.hand_over(), world.jobs_in("blog")
        if count and owner != [world.databases[number].id] and not world.ledger.faults["wipe"]:
            world.ledger.broken = f"one-blog: {number} hands over, and the jobs are {owner}'s"


def _settle(world: World, number: int) -> None:
    with suppress(redis.RedisError):
        relay, rows = world.blogs[number].relay, world.databases[number]
        handed = outbox.handed_over(rows, 0, relay._reached)
        lost = [row for row, job in handed if not world.server.has(f"job:{job}")]
        if relay.settle() and lost and (relay._announced or relay.has_handed_over(lost[0])):
            world.ledger.broken = f"never-lost: row {lost[0]} is lost, and is not handed over again"
        left = set(world.jobs_in("kept")) - rows_of(world)
        if left and not world.ledger.faults["rollback"]:
            world.ledger.broken = f"cleanup: {left} are kept, and no outbox has a copy"
    world.blogs[number].reconciled = True


def _pass(world: World) -> None:
    """Move the time to the next due step: at most 10 s, or 1 s if no worker is healthy."""
    healthy = world.healthy()
    stuck = [w.stuck for w in world.workers.values() if w.stuck > world.now]
    world.move_to(min([*(w.due for w in healthy), *stuck, world.now + (10.0 if healthy else 1.0)]))
    world.mark = None  # too old for a rollback, which loses the data of at most a second
    for blog in world.blogs:
        blog.reconciled = False


def _restart(world: World) -> None:
    world.server.run += 1


def _mark(world: World) -> None:
    world.mark = world.server.save()


def _rollback(world: World) -> None:
    world.server.load(world.mark)
    world.server.run += 1


def _clock(world: World) -> None:
    world.off = 0.0 if world.off else AHEAD
    world.move_to(world.now)


def _decide(what: str, world: World, job: str) -> None:
    world.ledger.acts.add(what)
    waits = [state for state in ("scheduled", "retrying", "dead") if job in world.jobs_in(state)]
    if [world.producer.decide(job, what, by="person")] != waits:
        world.ledger.broken = f"history: {job} was {waits}, and who decides hears something else"
    if what == "discard" and job not in world.jobs_in("discarded"):
        world.ledger.broken = f"history: {job} is discarded, and not among what was"
    world.ledger.due.pop(job, None)
    if what == "discard":
        world.ledger.decided.add(job)


def _purge(world: World, _: str) -> None:
    world.ledger.acts.add("purge")
    world.ledger.decided |= {
        job for list_name in LISTS for job in world.jobs_in(f"queue:{list_name}")
    }
    world.producer.purge(LISTS, by="person")


_ON_WORKER: dict[str, Callable[[World, Worker], object]] = {
    "round": _round, "claim": _claim, "wake": _wake, "answer": _answer, "begin": _begin,
    "run": lambda _, worker: worker.run(worker.tags("runs")[0]),
    "finish": lambda _, worker: worker.finish(worker.tags("has run")[0]),
    "kill": lambda world, worker: world.workers.pop(worker.name),
    "drop": lambda _, worker: worker.drop(),
    "leave": _leave, "pause": _pause, "child": _child,
}  # fmt: skip
_ELSEWHERE: dict[str, Callable[..., None]] = {
    "start": _start, "put": _put, "hand over": _hand_over, "settle": _settle, "pass": _pass,
    "restart": _restart, "wipe": lambda world: world.server.load(()), "mark": _mark,
    "rollback": _rollback, "clock": _clock,
    "retry": partial(_decide, "retry"), "discard": partial(_decide, "discard"), "purge": _purge,
}  # fmt: skip
