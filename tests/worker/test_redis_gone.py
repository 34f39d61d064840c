"""Redis is killed under busy workers: they stay, wait, and end what they have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support import being_sent, client_of, until

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
        until(lambda: being_sent(stack) == 8, what="a mail under way in every thread")
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


@pytest.mark.thorough
def test_a_restart_of_redis_after_more_than_a_lease_does_not_look_like_the_death_of_all() -> None:
    environment = {"DEMO_LEASE_SECONDS": "1", "DEMO_BEAT_SECONDS": "0.2"}
    with Stack(workers=3, environment=environment) as stack, Client(stack.ready) as client:
        redis = client_of(stack.ready["redis"])
        until(lambda: redis.hget("server", "since"), what="the first look at the others")
        names = {worker["id"] for worker in client.summary()["workers"]}
        longest = max(int(redis.pttl(f"worker:{name}")) for name in names) / 1000
        stack.kill("redis", restart=False)
        gone = datetime.now(UTC) + timedelta(seconds=longest + 0.5)
        until(lambda: datetime.now(UTC) > gone, what="the end of every lease")
        stack.start("redis")
        client.comment()
        client.wait_for_mails(1)
        since = float(redis.hget("server", "since") or 0)
        until(
            lambda: datetime.now(UTC).timestamp() > since + 2.0 and client.summary(),
            what="a lease in which the workers judge each other again",
        )
        assert {worker["id"] for worker in client.summary()["workers"]} == names
        assert _deaths(redis) == 0
