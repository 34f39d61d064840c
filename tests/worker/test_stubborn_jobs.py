"""Jobs that never end are ended and tried again; a message that says no job is dead at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_app.stack import Stack

from worker.conftest import Jobs, stubborn  # isort: skip
from worker.stubborn_jobs import brief, hang, loop  # isort: skip


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    environment = {
        "DEMO_JOB_SECONDS": "1",
        "DEMO_STOP_SECONDS": "5",
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


def test_a_job_that_hangs_in_c_code_makes_its_worker_take_its_own_place(
    stack: Stack, jobs: Jobs, tmp_path: Path
) -> None:
    pids = stack.ready["pids"]["worker"]
    [job] = jobs.ended(jobs.put(hang, diary=str(tmp_path / "diary")))
    events = [event.event for event in job.timeline]
    assert (job.state, events.count("retrying")) == ("done", 1)
    assert "rescued" not in events, "it was given back, not left to be found"
    assert stack.ready["pids"]["worker"] == pids, "the same process, begun anew"
    assert len({event.by for event in job.timeline if event.event == "claimed"}) == 2
    # nothing is held by anyone, and the next job runs as ever
    [after] = jobs.ended(jobs.put(brief, diary=str(tmp_path / "after")))
    assert after.state == "done"


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
