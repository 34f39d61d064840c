"""The code that runs one job and returns its outcome, for every backend."""

import time
import traceback
from collections.abc import Callable
from typing import Any

from demo_app.broker.lease import LeaseLost as LeaseLost
from demo_app.jobs.arguments import as_it_arrives
from demo_app.jobs.context import Context, running
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Discarded, Failed, Outcome, Retry, Succeeded
from demo_app.jobs.result import TaskError
from demo_app.jobs.retries import DiscardPolicy, policy_for
from demo_app.jobs.task import find_task


class ReturnValueError(TypeError):
    """A job returned a value that JSON does not have, so its result cannot be stored."""


class JobTimeout(BaseException):
    """The job exceeded the time limit. The error can occur at any line of the job's code.

    The class is not a subclass of Exception, so that `except Exception` in a job does not catch the
    error. `retry_on` accepts this class.
    """


def perform(
    job: Job, *, check: Callable[[], None] = lambda: None, notes: dict[str, Any] | None = None
) -> Outcome:
    """Run the job in this thread, and return its outcome.

    Args:
        check: see `Context`.
        notes: receives the values that the job stores with `note`.

    Raises:
        LeaseLost: another worker may have the job.
        JobTimeout: the job exceeded the time limit.
    """
    task = find_task(job.task)
    if task is None:
        missing = f"no task {job.task!r} here; is its module in DEMO_TASKS?"
        return Failed(TaskError("builtins.LookupError", missing))
    context = Context(job, job.attempts + 1, check, {} if notes is None else notes)
    try:
        with running(context):
            check()
            value = task.function(**job.arguments)
    except (LeaseLost, JobTimeout):
        raise
    except BaseException as error:  # such as sys.exit(): a job must not end its worker
        return after_failure(error, job)
    return _returned(value, job)


def _returned(value: Any, job: Job) -> Outcome:
    try:
        return Succeeded(as_it_arrives(value))
    except (TypeError, ValueError, RecursionError) as cause:
        # no retry: the job did its work, and would return the same value again
        error = ReturnValueError(
            f"{job.task} returned a {type(value).__name__}, which JSON can't encode ({cause})"
        )
        return Failed(TaskError(_path(error), str(error)))


def after_failure(error: BaseException, job: Job) -> Outcome:
    task = find_task(job.task)
    policy = policy_for(task.policies if task else (), error)
    if isinstance(policy, DiscardPolicy):
        return Discarded(_storable(f"{type(error).__name__}: {error}"))
    failures = job.attempts + 1
    failure = TaskError(_path(error), _storable("".join(traceback.format_exception(error))))
    if policy.gives_up(failures, time.time() - job.enqueued_at):
        return Failed(failure)
    return Retry(policy.wait(failures), failure, policy.outage)


def _storable(text: str) -> str:
    """Escape lone surrogates, which not every backend can store."""
    return text.encode("utf-8", "backslashreplace").decode()


def _path(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"
