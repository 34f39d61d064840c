"""Tests that endless jobs are stopped and retried, and unreadable messages become dead jobs."""

import json
from pathlib import Path

import pytest
from celery_suite.hostile import ENDED, valid_message
from support import client_of, until

from demo_app.backends.celery import CeleryBackend
from demo_app.broker.inspect import get_jobs
from demo_app.broker.queue import Kind, Queue
from demo_app.broker.view import JobView
from demo_app.stack import Stack

from worker.stubborn_jobs import brief, loop  # isort: skip

STACK = {
    "tasks": ("worker.stubborn_jobs",),
    "environment": {
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "DEMO_JOB_SECONDS": "1",
        "DEMO_LEASE_SECONDS": "1",
        "DEMO_BEAT_SECONDS": "0.2",
    },
}


@pytest.fixture
def queue(stack: Stack) -> Queue:
    return Queue(client_of(stack.ready["redis"]))


def _ended(queue: Queue, id_: str) -> JobView:
    def ended() -> list[JobView]:
        return [job for job in get_jobs(queue, [id_]) if job.state in ENDED]

    [job] = until(ended, 40.0, "its end")
    return job


def test_an_endless_job_is_stopped_and_retried(stack: Stack, queue: Queue, tmp_path: Path) -> None:
    [pid] = stack.ready["pids"]["worker"]
    job = _ended(queue, CeleryBackend(queue).enqueue(loop.job(diary=str(tmp_path / "diary"))).id)
    assert (tmp_path / "diary").read_text().split() == [str(pid)] * 2
    events = [event.event for event in job.timeline]
    assert events == ["enqueued", "claimed", "retrying", "enqueued", "claimed", "done"]
    failed = job.timeline[2]
    assert failed.error_class == "demo_app.jobs.perform.JobTimeout"
    assert "it ran for more than 1 s" in failed.traceback


@pytest.mark.parametrize(
    ("place", "what", "reason"),
    [
        ("headers", {"retries": "many"}, "ValueError: invalid literal for int()"),
        ("headers", {"enqueued_at": "noon"}, "ValueError: could not convert string to float"),
        ("properties", {"delivery_info": {"list": "mail"}}, "KeyError: 'routing_key'"),
        ("body", "[7, {}, {}]", "TypeError: "),
    ],
)
def test_a_malformed_message_is_dead_with_its_reason(
    queue: Queue, place: str, what: dict[str, object] | str, reason: str
) -> None:
    """Each message differs from a Celery producer's in only one part."""
    sent = valid_message()
    sent["headers"]["task"] = brief.name
    sent[place] = sent[place] | what if isinstance(what, dict) else what
    queue.publish(json.dumps(sent), sent["headers"]["id"], "mail", kind=Kind.JOB)
    job = _ended(queue, sent["headers"]["id"])
    assert job.state == "dead"
    assert job.timeline[-1].traceback.startswith(reason)
