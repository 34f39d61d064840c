"""The possible next steps and faults of a world."""

from demo_app.blog import outbox
from explore.line import AT_COMMANDS, LINE
from explore.worker import LISTS, Worker
from explore.world import Event, World


def enabled(world: World) -> list[Event]:
    """Return all possible next steps, without faults."""
    events: list[Event] = []
    if world.put < len(world.plan.jobs):
        events.append(("put",))
    room = len(world.workers) < world.plan.alive and world.started < len(world.plan.processes)
    # with two blogs, start workers only after Redis has stored the id of one blog: only workers of
    # that blog can start
    if room and (world.plan.blogs < 2 or world.server.has("blog")):
        events.append(("start",))
    for number, blog in enumerate(world.blogs):
        if outbox.size(world.databases[number], after=blog.relay._reached):
            events.append(("hand over", number))
        if not blog.reconciled and outbox.size(world.databases[number]):
            events.append(("settle", number))
    waiting = any(world.server.has(f"queue:{list_name}") for list_name in LISTS)
    for worker in world.workers.values():
        events += [(what, worker.name) for what in _steps(world, worker, waiting)]
    events += [(what, job) for what in world.plan.people for job in _deciding(world, what)]
    # healthy workers are never late: time may pass only if none of them has a due step
    if world.workers and all(
        world.now < worker.due and not worker.on_its_way for worker in world.healthy()
    ):
        events.append(("pass",))
    return events


def _steps(world: World, worker: Worker, waiting: bool) -> list[str]:
    if worker.halted or worker.paused:
        return ["go on"]
    if world.now < worker.stuck:
        return []
    if worker.on_its_way:
        return ["answer", *(["round"] if world.now >= worker.due else [])]
    steps = []
    if worker.tags("runs"):
        steps.append("run")
    elif worker.tags("has run"):
        steps.append("finish")
    elif worker.tags("waits"):
        steps.append("begin")
    if worker.asleep and any(world.server.has(f"wake:{list_name}") for list_name in LISTS):
        steps.append("wake")
    # a claim that finds no job has an effect only if the worker then waits for a token
    looks = waiting or worker.setup.waits
    if worker.here.lease.worker and looks and worker.places > 0 and not worker.asleep:
        steps.append("claim")
    if world.now >= worker.due:
        steps.append("round")
    return steps


def _deciding(world: World, what: str) -> list[str]:
    if what in world.ledger.acts:
        return []
    if what == "purge":
        return ["mail"]
    states = ("scheduled", "retrying", "dead")
    return sorted({job for state in states for job in world.jobs_in(state)[::2]})


def faults(world: World) -> list[Event]:
    """Return all possible next faults, except faults at a command (see `variants`)."""
    events: list[Event] = []
    for name, worker in world.workers.items():
        events += [(what, name) for what in ("kill", "leave") if world.may(what)]
        if world.may("pause") and not worker.paused and not worker.halted:
            events.append(("pause", name))
        if world.may("drop") and worker.tags("waits"):
            events.append(("drop", name))
        if world.may("child") and worker.tags("runs"):
            events.append(("child", name))
    events += [(what,) for what in ("restart", "wipe") if world.may(what)]
    if world.may("rollback"):
        events.append(("mark",) if world.mark is None else ("rollback",))
    if world.off or world.may("clock"):
        events.append(("clock",))
    return events


def variants(world: World, event: Event) -> list[Event]:
    """Return variants of the step just taken, each with one fault at one of its commands."""
    steps = ("round", "claim", "begin", "run", "finish", "put", "hand over", "settle")
    if event[0] not in steps or len(event) > 2:
        return []
    found: list[Event] = []
    if world.may("halt") and event[0] in ("round", "claim", "begin", "run", "finish"):
        found += [(*event, "halt", at) for at in range(LINE.sent + 1)]
    names = [how for how, kind in AT_COMMANDS.items() if kind != "halt" and world.may(kind)]
    found += [(*event, how, at) for at in range(LINE.sent) for how in names]
    return found
