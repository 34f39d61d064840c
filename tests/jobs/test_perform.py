"""How a try ends, and what the result tells of it."""

from __future__ import annotations

import pytest
from jobs.sample_tasks import fail

from demo_app.jobs import Job, discard_on, note, retry_on
from demo_app.jobs.context import Context, current
from demo_app.jobs.outcome import Discarded, Failed, Retry
from demo_app.jobs.perform import perform
from demo_app.jobs.result import TaskResult
from demo_app.jobs.retries import DEFAULT, RetryPolicy, policies_of, policy_for


def test_each_wait_is_twice_the_last_one_up_to_a_limit():
    retry = RetryPolicy(first=1.0, longest=10.0, jitter=0.0)

    assert [retry.wait(failures) for failures in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    assert RetryPolicy(first=1.0).wait(10**6) <= 600.0


@pytest.mark.parametrize(("chance", "wait"), [(0.0, 8.0), (1.0, 4.0)])
def test_a_part_of_each_wait_is_left_to_chance(chance, wait):
    assert RetryPolicy(first=1.0, jitter=0.5).wait(4, lambda: chance) == wait


def test_a_policy_with_a_time_counts_no_tries():
    policy = RetryPolicy(attempts=2, within=60.0)

    assert not policy.gives_up(failures=1000, age=59.0)
    assert policy.gives_up(failures=1, age=60.0)
    assert RetryPolicy(attempts=2).gives_up(failures=2, age=0.0)


def test_the_first_policy_that_names_the_exception_decides():
    @discard_on(FileNotFoundError)
    @retry_on(OSError, attempts=3)
    def work() -> None: ...

    policies = policies_of(work)

    assert policy_for(policies, FileNotFoundError()) is policies[0]
    assert policy_for(policies, PermissionError()) is policies[1]
    assert policy_for(policies, KeyError()) is DEFAULT


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


def test_a_job_knows_itself_while_it_runs():
    context = Context(fail.job("key"), 1, lambda: None, {})

    assert context.job.arguments == {"kind": "key"}
