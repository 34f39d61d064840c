"""First in, first out: at the start, after a SIGTERM, and after a SIGKILL."""

from __future__ import annotations

import signal
from typing import Any

from support import client_of, until

from demo_app.broker.events import State
from demo_app.broker.inspect import page
from demo_app.demo import timeline
from demo_app.stack import Stack
from demo_app.stack.client import Client


def _began(stack: Stack) -> list[str]:
    """Job ids in the order of their last start."""
    jobs = timeline.read(client_of(stack.ready["redis"])).jobs
    return [job.id for job in sorted(jobs, key=lambda job: job.runs[-1].began)]


def test_one_thread_runs_jobs_in_exactly_the_order_in_which_they_came() -> None:
    with Stack(concurrency=1) as stack, Client(stack.ready) as client:
        sent = [client.comment()["job_id"] for _ in range(30)]
        client.wait_for_mails(30)
        client.wait_for(lambda now: now["done"] == 30)
        assert _began(stack) == sent


def test_the_order_holds_over_a_sigterm() -> None:
    with Stack(concurrency=2, restart=False) as stack, Client(stack.ready) as client:
        client.set_faults({"at": "data", "do": "wait", "seconds": 0.2})
        sent = [client.comment()["job_id"] for _ in range(12)]
        client.wait_for(lambda now: now["running"] == 2)
        stack.kill("worker", signal.SIGTERM)
        until(lambda: not stack.ready["pids"]["worker"], what="the worker's end")
        client.set_faults()
        stack.start("worker")
        client.wait_for(lambda now: now["done"] == 12)
        order = _began(stack)
        assert sorted(order) == sorted(sent)
        # two threads begin two jobs at almost the same time; beyond that nobody overtakes
        assert all(abs(order.index(job) - sent.index(job)) <= 2 for job in sent)
        assert client.mail_stats()["distinct"] == 12


def test_what_a_killed_worker_held_stands_at_the_head_again() -> None:
    with Stack(concurrency=3, restart=False) as stack, Client(stack.ready) as client:
        redis: Any = client_of(stack.ready["redis"])
        client.set_faults({"at": "data", "do": "hang"})
        sent = [client.comment()["job_id"] for _ in range(9)]
        client.wait_for(lambda now: now["running"] == 3)
        (held_by,) = (worker["id"] for worker in client.summary()["workers"])
        stack.kill("worker")
        until(lambda: not redis.keys("worker:*"), what="the end of the lease")
        stack.start("worker")  # rescues before it claims
        until(
            lambda: held_by not in {worker["id"] for worker in client.summary()["workers"]},
            what="the rescue",
        )
        client.wait_for(lambda now: now["running"] == 3)
        assert {job.id for job in page(redis, State.RUNNING).jobs} == set(sent[:3])
        assert [job.id for job in page(redis, State.QUEUED).jobs] == sent[3:]
