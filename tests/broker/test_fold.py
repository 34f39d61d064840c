"""Tests that the state computed from the journal (its fold) agrees with Redis after each step."""

import time
from random import Random
from typing import Any

import pytest
from support import allow_death_checks, die, message, most_thorough, rescue_now

from demo_app.broker.claim import Claim, Disposition
from demo_app.broker.events import State
from demo_app.broker.fold import Fold
from demo_app.broker.inspect import get_jobs
from demo_app.broker.journal import after, all_events, between
from demo_app.broker.keys import lists_of
from demo_app.broker.queue import Queue

LISTS = lists_of("mail")


class System:
    """A queue with its producers and workers, and a person: each method is one step."""

    def __init__(self, queue: Queue) -> None:
        self.queue, self.claims, self.workers = queue, list[Claim](), list[str]()
        self.births, self.lists = 0, dict[str, str]()

    def enqueue(self, choice: int) -> None:
        job = message(len(self.lists) + 1, priority=choice % 3 - 1)
        self.lists[job.id] = job.list_name
        due = time.time() + 3600 if choice % 5 == 0 else None
        self.queue.enqueue(job, by="web", due=due)

    def start(self, _: int) -> None:
        self.births += 1
        self.workers.append(f"worker-{self.births}")
        self.queue.register(self.workers[-1], 60_000, '{"pid": 42}')

    def claim(self, choice: int) -> None:
        if self.workers:
            worker = self.workers[choice % len(self.workers)]
            self.claims += [one.claim for one in self.queue.claim(worker, LISTS, 1 + choice % 2)]

    def finish(self, choice: int) -> None:
        """End a claim with any disposition, even if its worker is dead."""
        if self.claims:
            claim = self.claims.pop(choice % len(self.claims))
            how = list(Disposition)[choice % len(Disposition)]
            self.queue.finish(claim, how, detail="so", after=choice % 2 * 3600.0)

    def kill(self, choice: int) -> None:
        if self.workers:
            die(self.queue, self.workers.pop(choice % len(self.workers)))
            rescue_now(self.queue, "somebody", 60_000, 1)

    def stop(self, choice: int) -> None:
        """Stop a worker that may still hold jobs."""
        if self.workers:
            self.queue.deregister(self.workers.pop(choice % len(self.workers)))

    def decide(self, choice: int) -> None:
        what = ("retry", "discard", "delete", "moved")[choice % 4]
        self.queue.decide(f"job-{1 + choice % 20}", what, by="a person")

    def promote(self, _: int) -> None:
        self.queue.promote_due("somebody").send()

    def purge(self, choice: int) -> None:
        self.queue.purge([LISTS[choice % len(LISTS)]], by="a person")


STEPS = [name for name in vars(System) if not name.startswith("_")]
WEIGHTS = [*STEPS, *("enqueue", "claim", "finish") * 3]


def in_redis(queue: Queue) -> dict[str, Any]:
    """Return each job's state, each running job's worker, and each list with the next job first."""
    client: Any = queue.client
    lists = {list_name: client.lrange(f"queue:{list_name}", 0, -1)[::-1] for list_name in LISTS}
    states = {job: State.QUEUED for ids in lists.values() for job in ids}
    holders = {}
    for worker in client.smembers("workers"):
        for list_name in LISTS:
            for job in client.lrange(f"claims:{list_name}:{worker}", 0, -1):
                states[job], holders[job] = State.RUNNING, worker
    for state in (State.SCHEDULED, State.RETRYING, State.DEAD, State.DONE, State.DISCARDED):
        states |= dict.fromkeys(client.zrange(state, 0, -1), state)
    return {"states": states, "holders": holders, "lists": lists}


def in_journal(fold: Fold, lists: dict[str, str]) -> dict[str, Any]:
    """Return the same facts as `in_redis`, but from the fold of the journal."""
    order, jobs = fold.order, fold.jobs.values()
    return {
        "states": {job.id: job.state for job in jobs},
        "holders": {job.id: job.holder for job in jobs if job.holder},
        "lists": {name: [job for job in order if lists[job] == name] for name in LISTS},
    }


@pytest.mark.parametrize("seed", most_thorough(range(8), 0, 1))
def test_the_fold_agrees_with_redis_after_every_step(store: Queue, seed: int) -> None:
    allow_death_checks(store)
    chance, system, fold, last = Random(seed), System(store), Fold(), "0-0"
    for _ in range(150):
        name = chance.choice(WEIGHTS)
        getattr(system, name)(chance.randrange(1000))
        for entry in after(store.client, last):
            fold.follow(entry)
            last = entry.id
        seen, folded = in_redis(store), in_journal(fold, system.lists)
        # the journal counts a moved job as discarded, and Redis has no record of it
        moved = folded["states"].keys() - seen["states"].keys()
        assert all(folded["states"].pop(job) is State.DISCARDED for job in moved)
        assert folded == seen, f"after {name}"
    views = get_jobs(store, list(seen["states"]))
    assert {view.id: view.state for view in views} == seen["states"], "as its own history"
    assert {view.id: view.owner for view in views if view.owner} == seen["holders"]


def test_the_fold_of_a_part_has_the_known_facts(store: Queue) -> None:
    for number in (1, 2):
        store.enqueue(message(number))
    store.register("one", 60_000, "{}")
    claim = store.claim("one", LISTS)[0].claim
    *_, enqueued, _, claimed = all_events(store.client)
    assert (enqueued.job, claimed.event) == ("job-2", "claimed")
    fold = Fold()
    fold.follow(claimed)
    assert fold.jobs[claim.id].holder == "one"
    assert fold.workers["one"].held == {claim.id}
    assert not fold.order, "of the other job it knows nothing"
    assert between(store.client, 0, 4e10, 1) == [claimed]
