"""The promises that are checked in every state of every world. Each has a name, and a tag with this
name marks each line of the project that keeps the promise."""

from collections import Counter
from collections.abc import Callable, Iterator

from demo_app.broker.events import Event, event_of
from demo_app.broker.fold import TO_TAIL, state_after
from explore.frozen import Content
from explore.world import World

PROMISES = {
    "one-place": "a job that Redis knows is in one list, and in one only",
    "sum": "every job that was ever enqueued is in a list or has ended",
    "one-end": "a job ends once",
    "order": "a queue is first in, first out; jobs that were given back come before all others",
    "may-send": "only the worker that holds a job may send its mail",
    "never-lost": "an accepted job is known to the queue or to an outbox until its mail is sent",
    "begins-once": "a job begins once, and at most once more for each fault",
    "alive": "a healthy worker never counts as dead, and no step of its heartbeat fails",
    "no-idle": "a worker with free places gets a job if there is one, and no more than it can hold",
    "not-early": "with a correct clock, a job does not run before it is due",
    "alone": "after two workers died with a job, its next worker holds no other job",
    "bounded": "a job that kills its workers is given up after a few deaths",
    "patience": "a job with a temporary failure is not given up after its first tries",
    "ends": "when there are no more faults, every job ends",
    "one-blog": "a queue has the jobs of one blog, and stores the id of that blog",
    "history": "the last event of a job names its state and its holder",
    "cleanup": "when a job or a worker is deleted, all its data in Redis is deleted too",
    "late-count": "the number of late acknowledgements is right",
}


class View:
    """A server's content as jobs, lists and events."""

    def __init__(self, content: Content) -> None:
        self.of = {key: parts for key, _, parts in content}
        self.places: dict[str, list[str]] = {}
        self._histories: dict[str, list[Event]] = {}
        for key, parts in self.of.items():
            if key.startswith(("queue:", "claims:")):
                jobs = parts
            elif key in ("scheduled", "retrying", "dead", "done", "discarded"):
                jobs = parts[::2]
            else:
                continue
            for job in jobs:
                self.places.setdefault(job, []).append(key)
        self.known = {key[4:] for key in self.of if key.startswith("job:")}

    def events(self, job: str) -> list[str]:
        return [event.event for event in self.history(job)]

    def history(self, job: str) -> list[Event]:
        """Return the job's events, the oldest first."""
        if job not in self._histories:
            lines = self.of.get(f"job:{job}", ())
            self._histories[job] = [event_of(line) for line in lines if line.startswith("[")]
        return self._histories[job]

    def hash(self, key: str) -> dict[str, str]:
        parts = self.of.get(key, ())
        return dict(zip(parts[::2], parts[1::2], strict=True))

    def dead_with(self, job: str) -> set[str]:
        """Return the workers whose death is attributed to the job."""
        return set(self.hash("deaths").get(job, "").split())

    def counted(self, name: str) -> int:
        return int(self.hash("counters").get(name, 0))


def broken(world: World, content: Content) -> str:
    """Return the first promise that does not hold in this state, and why; "" if all hold."""
    if world.ledger.broken:
        return world.ledger.broken
    view = View(content)
    for name, check in _CHECKS.items():
        for why in check(world, view):
            return f"{name}: {why}"
    return ""


def _number(job: str) -> int:
    return int(job.removeprefix("j").partition("#")[0])


def _one_place(world: World, view: View) -> Iterator[str]:
    for job in sorted(view.known | view.places.keys()):
        places = view.places.get(job, [])
        # an ended job in no list is kept until the relay has read how it ended
        kept = not places and job in view.of.get("kept", ())
        if job not in view.known or (len(places) != 1 and not kept):
            yield f"{job} is in {', '.join(places) or 'no list'}, {len(view.history(job))} events"


def _sum(world: World, view: View) -> Iterator[str]:
    counted, ends = view.counted("enqueued"), ("done", "discarded")
    lists = sum(key not in ends for places in view.places.values() for key in places)
    ended = sum(map(view.counted, ends))
    if counted != lists + ended:
        yield f"{counted} were put in, {lists} are in lists, {ended} have ended"


def _one_end(world: World, view: View) -> Iterator[str]:
    for job in view.known:
        ends = [event for event in view.events(job) if event in ("done", "discarded")]
        if len(ends) > 1:
            yield f"{job} was {' and '.join(ends)}"


def _order(world: World, view: View) -> Iterator[str]:
    for key, parts in view.of.items():
        if not key.startswith("queue:"):
            continue
        head_first = parts[::-1]
        fresh = [job for job in head_first if view.events(job)[-1:] == ["enqueued"]]
        first = [job for job in fresh if view.events(job) == ["enqueued"]]
        if first != sorted(first, key=_number) and not world.ledger.lost and len(world.blogs) < 2:
            yield f"{key} has {', '.join(first[:5])} in this order"
        back = [
            event in ("rescued", "requeued")
            for job in head_first
            for event in view.events(job)[-1:]
        ]
        if back != sorted(back, reverse=True):
            yield f"{key} has a job at its head that came after one that was given back"


def _history(world: World, view: View) -> Iterator[str]:
    for job in sorted(view.known & view.places.keys()):
        (place,), events = view.places[job], view.history(job)
        says = state_after(event.event for event in events)
        if {"queue": "queued", "claims": "running"}.get(place.partition(":")[0], place) != says:
            yield f"{job} is in {place}, and its history says {says}"
        by = [event.by for event in events if event.event == "claimed"][-1:]
        if says == "running" and not place.endswith(f":{by[0]}"):
            yield f"{job} is in {place}, and its history says that {by[0]} has it"
        if any(event.detail == TO_TAIL for event in events):
            yield f"{job} is said to be at the tail, and nobody has put it there"


def _cleanup(world: World, view: View) -> Iterator[str]:
    at = {job: places[0].partition(":")[0] for job, places in view.places.items()}
    workers = set(view.of.get("workers", ()))
    if view.hash("running").keys() != {job for job, place in at.items() if place == "claims"}:
        yield "`running` has not what is held"
    if view.hash("leases").keys() != workers:
        yield "`leases` has not the workers that are known"
    if left := view.hash("suspects").keys() - workers:
        yield f"`suspects` has {left}, who are no workers"
    for key in view.of:
        of_worker = key.startswith(("worker:", "waiting:", "claims:"))
        if of_worker and key.rpartition(":")[2] not in workers:
            yield f"{key} is there, and its worker is not"
    for job in {one.removeprefix("~") for one in view.hash("deaths")}:
        if at.get(job, "done") in ("dead", "done", "discarded") and _number(job) < world.put:
            yield f"`deaths` has {job}, which has ended"


def _late_count(world: World, view: View) -> Iterator[str]:
    taken = sum(view.events(job).count("rescued") for job in view.known)
    if view.counted("late") > taken and not world.ledger.lost:
        yield f"{view.counted('late')} ends count as late, and {taken} were taken from workers"


def rows_of(world: World) -> set[str]:
    return {str(job) for one in world.databases for (job,) in one.read("SELECT job_id FROM outbox")}


def _never_lost(world: World, view: View) -> Iterator[str]:
    ledger, rows = world.ledger, rows_of(world)
    for job in ledger.accepted:
        if ledger.mailed[ledger.mail_of[job]] or job in ledger.decided or job in rows:
            continue
        if not world.databases and ledger.lost:
            continue  # without an outbox nothing restores the data that Redis lost
        stored = world.stored_id(job)
        events = view.events(stored)
        if stored not in view.known or events[-1:] in (["done"], ["discarded"]):
            yield f"{job} was accepted, no mail was sent, and it is {events[-1:] or 'unknown'}"


def _begins_once(world: World, view: View) -> Iterator[str]:
    stored = {world.stored_id(job) for job in world.ledger.accepted}
    for job in view.known:
        if "#" in job and job not in stored:
            yield f"{job} is one job more, and it was put in once"
    allowed, begun = Counter[str](), Counter[str]()
    for job, kind in zip(world.ledger.accepted, world.plan.jobs, strict=False):
        more = {"flaky": 1, "retries": 1, "namesake": 1, "poison": 9, "hog": 9}
        allowed[world.task_id(job)] += 1 + more.get(kind, 0)
    for job, times in world.ledger.begun.items():
        begun[job.partition("#")[0]] += times
    extra = world.ledger.disturbed + len(world.ledger.acts)
    for job, times in begun.items():
        if times > allowed[job] + extra and "poison" not in world.plan.jobs:
            yield f"{job} began {times} times, after {world.ledger.disturbed} faults"


def _no_idle(world: World, view: View) -> Iterator[str]:
    if world.ledger.disturbed:
        return  # a token can be lost with its worker; a later heartbeat sends another
    keys = [key.partition(":")[0] for key in view.of]
    free = [worker for worker in world.healthy() if worker.places > 0]
    if "queue" in keys and "wake" not in keys and free and all(one.asleep for one in free):
        yield "a job waits, and nobody wakes a worker"


def _not_early(world: World, view: View) -> Iterator[str]:
    for job, due in world.ledger.due.items():
        if world.now < due - 1 and "scheduled" not in view.places.get(job, ["scheduled"]):
            yield f"{job} was found due {due - world.now:.0f} s early"


def _bounded(world: World, view: View) -> Iterator[str]:
    limit = max(setup.rescues for setup in world.plan.processes) + 2 + world.plan.alive - 1
    for job, times in world.ledger.begun.items():
        if world.kind(job) == "poison" and times > limit + len(world.ledger.acts) * limit:
            yield f"{job} has killed {times} workers"
        if world.kind(job) == "hog" and times > limit:
            yield f"{job} was begun {times} times"


def _alone(world: World, view: View) -> Iterator[str]:
    held: dict[str, list[str]] = {}
    for job, places in view.places.items():
        if places[0].startswith("claims:"):
            held.setdefault(places[0].rpartition(":")[2], []).append(job)
    for worker, jobs in held.items():
        suspects = [job for job in jobs if len(view.dead_with(job)) > 1]
        if suspects and len(jobs) > 1:
            yield f"{worker} holds {', '.join(jobs)}, and {suspects[0]} is a suspect"


def _patience(world: World, view: View) -> Iterator[str]:
    fewest = min(setup.rescues for setup in world.plan.processes)
    for job in view.of.get("dead", ())[::2]:
        if "AnotherBlog" in view.of[f"job:{job}"][-1]:
            continue  # correct: a worker of another blog gives up the job at once
        kind = world.kind(job)
        if kind == "flaky" and world.ledger.begun[job] <= 2 and not world.ledger.disturbed:
            yield f"{job} failed once, and was given up"
        blamed = view.events(job).count("rescued")
        if kind not in ("hog", "flaky") and blamed < fewest + 2:
            yield f"{job} was given up after {blamed} deaths"
    for job in view.of.get("retrying", ())[::2]:
        aside = view.history(job)[-1].detail.startswith("poison")
        if aside and world.kind(job) != "hog" and view.events(job).count("rescued") <= fewest:
            yield f"{job} was set aside after {view.events(job).count('rescued')} deaths"
    for job in view.hash("deaths"):
        if not view.dead_with(job) and not job.startswith("~"):
            yield f"{job} is blamed for the end of no worker"
        waiting = {name for name, waits in world.ledger.waits if waits == job}
        if wrong := waiting & view.dead_with(job):
            yield f"{job} is blamed for the end of {wrong}, where it had not begun"


#: The checks of the promises that can be checked in a single state. The steps check the others.
_CHECKS: dict[str, Callable[[World, View], Iterator[str]]] = {
    name: globals()[f"_{name.replace('-', '_')}"]
    for name in PROMISES
    if f"_{name.replace('-', '_')}" in globals()
}
