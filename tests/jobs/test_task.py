from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest
from jobs import sample_tasks
from jobs.sample_tasks import add, collect, urgent

from demo_app.jobs import Unsupported, enqueue_many, load_tasks, task


def test_using_returns_a_changed_copy_of_the_task():
    later = datetime(2027, 1, 1, tzinfo=UTC)
    changed = urgent.using(priority=-5, queue_name="default", run_after=later, backend="memory")
    assert (changed.priority, changed.queue_name, changed.run_after) == (-5, "default", later)
    assert (urgent.priority, urgent.queue_name, urgent.run_after) == (3, "mail", None)
    with pytest.raises(FrozenInstanceError):
        urgent.priority = 1


@pytest.mark.parametrize("priority", [-101, 101])
def test_a_priority_has_its_range(priority):
    with pytest.raises(ValueError, match="-100 to 100"):
        urgent.using(priority=priority)
    with pytest.raises(ValueError, match="-100 to 100"):
        task(priority=priority)(inner_function)


def test_a_moment_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        urgent.using(run_after=datetime(2027, 1, 1))


def test_a_job_runs_and_its_result_can_be_read(inline):
    result = add.enqueue(40, right=2)
    assert (result.status, result.return_value, result.attempts) == ("SUCCESSFUL", 42, 1)


def test_one_unsupported_job_refuses_the_whole_batch(inline):
    sample_tasks.ran.clear()
    with pytest.raises(Unsupported, match="'inline' has no priorities"):
        enqueue_many([add.job(1), add.using(priority=1).job(2)])
    assert sample_tasks.ran == []


def test_a_task_can_be_called_as_the_function_that_it_is():
    assert add.call(1, 2) == 3
    assert collect.call(1, a=2, b=3) == 6


class some_class:
    def method(self) -> None: ...


def inner_function() -> None: ...


async def asynchronous() -> None: ...


def with_stars(*numbers: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [(some_class.method, "top level"), (asynchronous, "async def"), (with_stars, "by name")],
)
def test_a_task_that_no_worker_can_run_is_refused(function, message):
    with pytest.raises(TypeError, match=message):
        task(function)


def test_a_missing_module_of_tasks_is_named():
    with pytest.raises(ImportError, match=r"no\.such\.module"):
        load_tasks([sample_tasks.__name__, "no.such.module"])
