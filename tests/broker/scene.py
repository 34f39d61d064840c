"""A queue and its clients, one atomic step at a time."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from support import allow_death_checks, die, message, rescue_now

from demo_app.broker.claim import Claim, Disposition
from demo_app.broker.events import State
from demo_app.broker.in_flight import InFlight
from demo_app.broker.inspect import get_job
from demo_app.broker.keys import lists_of
from demo_app.broker.options import Options
from demo_app.broker.queue import Kind, Queue
from demo_app.broker.view import JobView

LISTS = lists_of("mail")
LEASE = 60_000
#: A heartbeat every 59 s, so that only the first one happens during a test.
CALM = Options(lease_seconds=60.0, heartbeat_seconds=59.0)


class Scene:
    """A queue and its clients. Its jobs are `job-1`, `job-2`, ...; a worker's name is any text."""

    def __init__(self, queue: Queue) -> None:
        self.queue, self._known = queue, set[str]()
        allow_death_checks(queue)

    def put(self, *numbers: int, due: float | None = None, **changes: Any) -> None:
        """Enqueue the jobs with these numbers.

        Args:
            due: epoch seconds.
            changes: other arguments of `message`.
        """
        self.queue.enqueue_many([(message(number, **changes), due) for number in numbers])

    def publish(
        self, job_id: str = "a", *, list_name: str = "mail", tag: str = "one",
        kind: Kind = Kind.JOB, due: float | None = None, **headers: Any,
    ) -> None:  # fmt: skip
        """Publish a message as any Celery producer does, with its own delivery tag."""
        headers = {"task": "outside.work", "id": job_id, "retries": 0, **headers}
        info = {"exchange": "", "routing_key": list_name, "list": list_name}
        properties = {"delivery_tag": tag, "delivery_info": info}
        text = json.dumps({"body": "[[1],{},{}]", "headers": headers, "properties": properties})
        self.queue.publish(text, job_id, list_name, kind=kind, due=due)

    def start(self, worker: str, instead_of: str = "") -> None:
        """Register a worker.

        Args:
            instead_of: the previous name of the same worker.
        """
        self.queue.register(worker, LEASE, "{}", instead_of=instead_of)
        self._known.add(worker)

    @contextmanager
    def working(
        self, options: Options = CALM, on_dead: Callable[[list[str]], object] | None = None
    ) -> Iterator[InFlight]:
        """Run a worker's lease and heartbeat within the block, without a consumer."""
        here = InFlight(Queue(self.queue.client, options), on_dead=on_dead)
        here.work(["mail"])
        try:
            yield here
        finally:
            here.leave()

    def takes(self, worker: str = "w", limit: int = 1) -> list[str]:
        return [one.claim.id for one in self.queue.claim(worker, LISTS, limit)]

    def claim(self, worker: str = "w") -> Claim:
        if worker not in self._known:
            self.start(worker)
        [claimed] = self.queue.claim(worker, LISTS)
        return claimed.claim

    def fail(self, worker: str = "w", after: float = -1.0, needs: str = "") -> None:
        how = Disposition.RETRY
        assert self.queue.finish(self.claim(worker), how, after=after, needs=needs).in_time

    def lose(self, worker: str = "w") -> list[str]:
        self._known.discard(worker)
        die(self.queue, worker)
        return rescue_now(self.queue, "other", LEASE)

    def die_with_a_job(self, *workers: str) -> None:
        for worker in workers:
            self.claim(worker)
            self.lose(worker)

    def decide(self, what: str = "retry", job: str = "job-1") -> str:
        return self.queue.decide(job, what, by="a person")

    def note_earlier(self, seconds: float) -> None:
        """Move the last event of `job-1` back in time by `seconds` (forward if negative)."""
        line = json.loads(str(self.queue.client.lindex("job:job-1", -1)))
        line[1] = f"{float(line[1]) - seconds:.6f}"
        self.queue.client.lset("job:job-1", -1, json.dumps(line, separators=(",", ":")))

    def job(self, job: str = "job-1") -> JobView:
        return get_job(self.queue, job)

    @property
    def waiting(self) -> list[str]:
        """Return the ids of the queued jobs, the next one to run first."""
        return list(reversed(self.queue.client.lrange("queue:mail", 0, -1)))

    @property
    def count(self) -> dict[str, int]:
        count = self.queue.snapshot().count
        assert count["enqueued"] == sum(count[state] for state in State)
        return {name: number for name, number in count.items() if number}
