"""How a try ends, and what the result tells of it."""

from __future__ import annotations

import pytest
from jobs.sample_tasks import fail

from demo_app.jobs import Job, note
from demo_app.jobs.context import current
from demo_app.jobs.outcome import Discarded, Failed, Retry
from demo_app.jobs.perform import perform
from demo_app.jobs.result import TaskResult


def test_a_failure_is_tried_again_with_its_traceback_at_hand():
    outcome = perform(fail.job("value"))

    assert isinstance(outcome, Retry)
    assert outcome.error.exception_class_path == "builtins.ValueError"
    assert 'raise {"key"' in outcome.error.traceback


def test_the_last_failure_ends_it():
    job = fail.job("value")

    outcome = perform(Job(job.task, job.arguments, attempts=1))

    assert isinstance(outcome, Failed)


def test_a_pointless_job_is_discarded_with_the_reason():
    assert perform(fail.job("key")) == Discarded("KeyError: 'key'")


def test_a_task_that_nobody_knows_ends_as_dead():
    outcome = perform(Job("no.such.task", {}))

    assert isinstance(outcome, Failed)
    assert "no.such.task" in outcome.error.traceback


def test_a_job_leaves_notes_only_while_it_runs():
    note("message_id", "nobody listens")

    assert current() is None


def test_a_result_that_nobody_keeps_says_so():
    with pytest.raises(LookupError, match="'nowhere' knows nothing"):
        TaskResult("1", "task", {}, "nowhere").refresh()


def test_an_unfinished_job_has_no_return_value():
    with pytest.raises(ValueError, match="READY"):
        TaskResult("1", "task", {}, "nowhere").return_value  # noqa: B018
