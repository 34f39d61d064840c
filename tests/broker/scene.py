"""A queue, and all who act on it, one atomic step at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support import die, let_judge, message, rescue_now

from demo_app.broker.claim import Claim, Disposition
from demo_app.broker.events import State
from demo_app.broker.in_flight import InFlight
from demo_app.broker.inspect import get_job
from demo_app.broker.keys import lists_of
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue
from demo_app.broker.view import JobView

LISTS = lists_of("mail")
LEASE = 60_000
RESCUES = 3
#: A heartbeat that never comes in a test, but for the first.
CALM = Options(lease_seconds=60.0, heartbeat_seconds=60.0)


class Scene:
    """See the module; its jobs are `job-1`, `job-2` and so on, and a worker is one by its name."""

    def __init__(self, queue: Queue) -> None:
        self.queue, self._known = queue, set[str]()
        let_judge(queue)

    def put(self, *numbers: int, due: float | None = None, **changes: Any) -> None:
        """New jobs."""
        self.queue.enqueue_many([(message(number, **changes), due) for number in numbers])

    def start(self, worker: str, instead_of: str = "") -> None:
        """A new worker, or one that was only paused, under a new name."""
        self.queue.register(worker, LEASE, "{}", instead_of=instead_of)
        self._known.add(worker)

    @contextmanager
    def working(self, options: Options = CALM) -> Iterator[InFlight]:
        """What a Celery worker has of the broker: its claims, its lease and its heartbeat."""
        here = InFlight(Queue(self.queue.client, options))
        here.work(["mail"])
        try:
            yield here
        finally:
            here.leave()

    def takes(self, worker: str = "w", limit: int = 1) -> list[str]:
        """The jobs that a worker is given."""
        return [one.claim.id for one in self.queue.claim(worker, LISTS, limit)]

    def claim(self, worker: str = "w") -> Claim:
        """The next job is the worker's, which may be a new one."""
        if worker not in self._known:
            self.start(worker)
        [claimed] = self.queue.claim(worker, LISTS)
        return claimed.claim

    def fail(self, worker: str = "w", after: float = -1.0, needs: str = "") -> None:
        """The next job fails there, and is to be tried again."""
        how = Disposition.RETRY
        assert self.queue.finish(self.claim(worker), how, after=after, needs=needs).in_time

    def lose(self, worker: str = "w") -> list[str]:
        """The worker is taken for dead; returns what it held."""
        self._known.discard(worker)
        die(self.queue, worker)
        return rescue_now(self.queue, "other", LEASE, RESCUES)

    def die_with_a_job(self, *workers: str) -> None:
        """One after the other claims the next job, and dies."""
        for worker in workers:
            self.claim(worker)
            self.lose(worker)

    def decide(self, what: str = "retry", job: str = "job-1") -> str:
        """A person decides, or the test, which does not wait for its time."""
        return self.queue.decide(job, what, by="a person")

    def note_earlier(self, seconds: float) -> None:
        """What happened last to the first job was so much earlier."""
        line = json.loads(str(self.queue.client.lindex("job:job-1", -1)))
        line[1] = f"{float(line[1]) - seconds:.6f}"
        self.queue.client.lset("job:job-1", -1, json.dumps(line, separators=(",", ":")))

    def job(self, job: str = "job-1") -> JobView:
        """What is known of a job."""
        found = get_job(self.queue, job)
        assert found is not None
        return found

    @property
    def waiting(self) -> list[str]:
        """The queue, next to run first."""
        return list(reversed(self.queue.client.lrange("queue:mail", 0, -1)))

    @property
    def count(self) -> dict[str, int]:
        """How many jobs are where; each is in one place."""
        count = self.queue.snapshot().count
        assert count["enqueued"] == sum(count[state] for state in State)
        return {name: number for name, number in count.items() if number}
