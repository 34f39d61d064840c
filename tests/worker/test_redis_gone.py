"""Redis is killed under busy workers: they stay, wait, and end what they have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from support import client_of, until

from demo_app.backends.celery import CeleryBackend
from demo_app.broker.queue import Queue
from demo_app.demo import timeline
from demo_app.jobs.job import Job
from demo_app.stack import Stack
from demo_app.stack.client import Client


def _deaths(redis: Any) -> int:
    return sum(fields["event"] == "worker_died" for _, fields in redis.xrange("journal"))


def test_a_sigkill_of_redis_costs_no_job_no_worker_and_no_reader_anything() -> None:
    environment = {"DEMO_LEASE_SECONDS": "20"}  # who is unsure of its lease waits for Redis
    with Stack(workers=2, environment=environment) as stack, Client(stack.ready) as client:
        # a mail server that is slow enough for Redis to die while every thread works
        client.set_faults({"at": "data", "do": "wait", "seconds": 3})
        soon = datetime.now(UTC) + timedelta(seconds=1)
        queue = Queue(client_of(stack.ready["redis"]))
        queue.pause_queue("mail", True)  # until all have been put in
        backend = CeleryBackend(queue)
        backend.enqueue(Job("demo_app.tasks.notify_author", {"comment_id": 1}, "mail", 0, soon))
        for _ in range(20):
            client.comment()
        client.wait_for(lambda now: now["queued"] == 21)
        queue.pause_queue("mail", False)
        until(lambda: client.faults()[0]["hits"] == 8, what="a mail under way in every thread")
        before = stack.ready["pids"]["worker"]
        stack.kill("redis", restart=False)
        for _ in range(5):
            client.comment(body="while Redis is away")
        client.set_faults()
        until(lambda: client.mail_stats()["accepted"] >= 8, what="the mails that were under way")
        stack.start("redis")
        client.wait_for_mails(25)
        now = client.wait_for(lambda now: now["done"] == 26)
        assert now["conserved"]
        assert stack.ready["pids"]["worker"] == before, "no worker exited"
        assert _deaths(client_of(stack.ready["redis"])) == 0
        assert client.mail_stats()["accepted"] <= 26 + 8, "at most what was under way came twice"
        runs = [len(job.runs) for job in timeline.read(client_of(stack.ready["redis"])).jobs]
        assert max(runs) <= 2
