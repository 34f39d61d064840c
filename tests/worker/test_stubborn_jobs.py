"""Jobs that never end are ended and tried again; a message that says no job is dead at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_app.stack import Stack

from worker.conftest import Jobs, stubborn  # isort: skip
from worker.stubborn_jobs import brief, loop  # isort: skip


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    environment = {
        "DEMO_JOB_SECONDS": "1",
        "DEMO_LEASE_SECONDS": "1",
        "DEMO_BEAT_SECONDS": "0.2",
    }
    with stubborn(environment) as running:
        yield running


def test_a_job_that_loops_for_ever_is_ended_and_tried_again(
    stack: Stack, jobs: Jobs, tmp_path: Path
) -> None:
    [pid] = stack.ready["pids"]["worker"]
    [job] = jobs.ended(jobs.put(loop, diary=str(tmp_path / "diary")))
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
        ("properties", {"delivery_info": {"lane": "mail"}}, "KeyError: 'routing_key'"),
        ("body", "[7, {}, {}]", "TypeError: "),
    ],
)
def test_a_message_that_no_job_can_be_read_from_is_dead_and_says_why(
    jobs: Jobs, place: str, what: object, reason: str
) -> None:
    [job] = jobs.ended(jobs.publish(brief, **{place: what}))
    assert job.state == "dead"
    assert job.timeline[-1].traceback.startswith(reason)
