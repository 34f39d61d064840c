"""The short way from a job to the next one: only while nobody asks for what Celery does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import Celery
from support import until

from demo_app.stack import Stack
from demo_app.worker.app import _address

from worker.conftest import Jobs, stubborn  # isort: skip
from worker.stubborn_jobs import brief, leave, tell_way  # isort: skip


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One worker of one thread: it runs one job after the other."""
    with stubborn(concurrency=1) as running:
        yield running


@pytest.fixture
def celery(stack: Stack) -> Iterator[Celery]:
    """The app as who looks on has it."""
    with Celery("demo_app", broker=f"claims+{_address(stack.ready['redis'])[0]}") as app:
        yield app


@contextmanager
def _behind_each_other(jobs: Jobs) -> Iterator[None]:
    """What is put in within this waits until all of it is there."""
    jobs.queue.pause_queue("mail", True)
    yield
    jobs.queue.pause_queue("mail", False)


def _ways(jobs: Jobs, *ids: str) -> list[object]:
    return [job.return_value for job in jobs.ended(*ids)]


def test_jobs_that_come_with_the_end_of_another_go_straight(jobs: Jobs) -> None:
    with _behind_each_other(jobs):
        ids = [jobs.put(tell_way) for _ in range(4)]
    assert _ways(jobs, *ids) == ["Celery", "straight", "straight", "straight"]


def test_once_a_job_was_revoked_each_goes_the_way_that_looks_for_it(
    stack: Stack, jobs: Jobs, celery: Celery
) -> None:
    until(lambda: celery.control.revoke("some job", reply=True, timeout=10, limit=1))
    with _behind_each_other(jobs):
        ids = [jobs.put(tell_way) for _ in range(3)]
    assert _ways(jobs, *ids) == ["Celery"] * 3
    stack.kill("worker")  # its next one has heard of no revoke


def test_a_message_that_asks_for_more_goes_celerys_way(jobs: Jobs) -> None:
    asks = {"expires": "2999-01-01T00:00:00+00:00"}
    with _behind_each_other(jobs):
        ids = [jobs.put(tell_way) for _ in range(2)]
        ids.append(jobs.publish(tell_way, headers=asks, body="[[], {}, {}]"))
    assert _ways(jobs, *ids) == ["Celery", "straight", "Celery"]


def test_celery_shows_what_goes_straight_among_the_active(
    jobs: Jobs, celery: Celery, tmp_path: Path
) -> None:
    gate = tmp_path / "open"
    with _behind_each_other(jobs):
        first = jobs.put(tell_way)
        second = jobs.put(tell_way, gate=str(gate))

    def active() -> list[str]:
        told = celery.control.inspect(timeout=10, limit=1).active() or {}
        return [request["id"] for requests in told.values() for request in requests]

    jobs.ended(first)
    assert active() == [second]
    gate.touch()
    assert _ways(jobs, second) == ["straight"]
    assert active() == []


def test_what_is_wrong_with_one_ends_none_of_those_behind_it(jobs: Jobs, tmp_path: Path) -> None:
    with _behind_each_other(jobs):
        first = jobs.put(tell_way)
        left = jobs.put(leave, diary=str(tmp_path / "diary"))
        broken = jobs.publish(brief, headers={"retries": "many"})
        last = jobs.put(tell_way)
    assert _ways(jobs, first, last) == ["Celery", "straight"]
    [left_view, broken_view] = jobs.ended(left, broken)
    assert left_view.timeline[-1].error_class == "builtins.SystemExit"
    assert left_view.attempts == 2
    assert len(set((tmp_path / "diary").read_text().split())) == 1, "the worker lived on"
    assert broken_view.state == "dead"
    assert broken_view.timeline[-1].traceback.startswith("ValueError: ")
