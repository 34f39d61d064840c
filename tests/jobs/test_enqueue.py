"""Around putting a job in: callbacks, transactions, recording for tests, and what is refused."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime

import pytest
from jobs.sample_tasks import (
    add,
    enqueue_another,
    fail,
    listened_to_at_the_door,
    refused_at_the_door,
    urgent,
)

from demo_app.jobs import Job, Unsupported, after_commit
from demo_app.jobs import backend as backends
from demo_app.jobs.backend import backend_named
from demo_app.jobs.perform import Again, Done
from demo_app.jobs.testing import assert_enqueued, perform_enqueued, recorded_jobs


@contextmanager
def a_transaction():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def test_callbacks_surround_the_putting_in(inline, heard):
    listened_to_at_the_door.enqueue()

    assert heard == ["before", "run", "after"]


def test_a_callback_keeps_a_job_out_by_raising(inline, heard):
    with pytest.raises(PermissionError, match="Sunday"):
        refused_at_the_door.enqueue()

    assert heard == []


def test_jobs_wait_for_the_commit(inline, heard):
    with after_commit(a_transaction()) as rows:
        rows.execute("CREATE TABLE t (x)")
        handle = add.enqueue(1)
        assert heard == []

    assert heard == ["1 + 1"]
    handle.refresh()
    assert handle.return_value == 2


def test_jobs_are_dropped_with_a_rollback(inline, heard):
    with suppress(KeyError), after_commit(a_transaction()):
        add.enqueue(1)
        raise KeyError

    assert heard == []


def test_jobs_are_dropped_when_the_commit_itself_fails(inline, heard):
    def spoil_the_commit():
        with after_commit(a_transaction()) as rows:
            add.enqueue(1)
            rows.execute("COMMIT")

    with pytest.raises(sqlite3.OperationalError):
        spoil_the_commit()

    assert heard == []


def test_a_block_within_a_block_waits_for_the_outer_one(inline, heard):
    with after_commit(a_transaction()):
        with after_commit(a_transaction()):
            add.enqueue(1)
        add.enqueue(2)
        assert heard == []

    assert heard == ["1 + 1", "2 + 1"]


def test_what_is_refused_is_refused_within_the_transaction(inline):
    with pytest.raises(Unsupported), after_commit(a_transaction()):
        urgent.enqueue()


@pytest.mark.parametrize(
    ("task", "arguments", "told"),
    [
        (urgent, [], "no priorities"),
        (add.using(run_after=datetime(2030, 1, 1, tzinfo=UTC)), [1], "2030-01-01"),
        (add.using(queue_name="attic"), [1], "DEMO_QUEUES"),
    ],
)
def test_a_backend_says_what_it_can_not_do(inline, heard, task, arguments, told):
    with pytest.raises(Unsupported, match=told):
        task.enqueue(*arguments)

    assert heard == []


def test_recorded_jobs_run_when_they_are_told_to(heard):
    with recorded_jobs() as jobs:
        result = add.enqueue(1, 2)
        urgent.enqueue()

        assert_enqueued(add, left=1)
        assert_enqueued(urgent, queue_name="mail")
        assert heard == []
        assert perform_enqueued() == [Done(3), Done(None)]
        assert jobs.enqueued == []

    result.refresh()
    assert result.return_value == 3


def test_what_a_job_puts_in_runs_with_it(heard):
    with recorded_jobs():
        enqueue_another.enqueue()

        assert perform_enqueued() == [Done(None), Done(42)]


def test_a_failed_job_is_recorded_again():
    with recorded_jobs() as jobs:
        fail.enqueue("value")

        (outcome,) = perform_enqueued()

        assert isinstance(outcome, Again)
        assert [job.attempts for job in jobs.enqueued] == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: assert_enqueued(add, left=2),
        lambda: assert_enqueued(add, times=2),
        lambda: assert_enqueued(add, queue_name="mail"),
        lambda: assert_enqueued(add, run_after=datetime(2030, 1, 1, tzinfo=UTC)),
        lambda: assert_enqueued(urgent),
    ],
)
def test_an_assertion_that_fails_tells_what_was_put_in_instead(wrong):
    with recorded_jobs():
        add.enqueue(1)

        with pytest.raises(
            AssertionError, match=r"put in: jobs.sample_tasks.add\({'left': 1, 'right': 1}\)"
        ):
            wrong()


def test_outside_of_a_recording_there_is_nothing_to_assert():
    with pytest.raises(RuntimeError, match="recorded_jobs"):
        assert_enqueued(add)


@pytest.mark.parametrize("name", ["rq", "huey"])
def test_a_library_that_is_missing_is_named_with_what_to_do(monkeypatch, name):
    for module in [key for key in sys.modules if key.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, f"demo_app.backends.{name}", raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    backends._made.cache_clear()

    with pytest.raises(ImportError, match=r"pip install '\.\[backends\]'"):
        backend_named(name)


def test_a_backend_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="carrier pigeon"):
        backend_named("carrier pigeon")


def test_a_job_survives_the_trip_through_a_record():
    job = Job("a.task", {"n": [1]}, "mail", 5, datetime(2027, 1, 1, tzinfo=UTC), 2)

    assert Job.from_record(job.as_record()) == job
