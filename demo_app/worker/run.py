"""The run of a job as a Celery task, and the ending of its claim.

Celery receives, runs, logs and acknowledges each job as an ordinary task. The job layer's outcome
(such as when to try again) is sent with the acknowledgement.
"""

import json
from dataclasses import replace
from functools import partial
from typing import Any

from celery.exceptions import Ignore, Retry

from demo_app.backends.celery import job_of
from demo_app.broker.claim import Disposition, Ending
from demo_app.broker.in_flight import InFlight
from demo_app.broker.lease import LeaseLost
from demo_app.broker.message import next_try, read
from demo_app.broker.process import claiming_here
from demo_app.failpoints import Step, hit
from demo_app.jobs import outcome as outcomes
from demo_app.jobs.arguments import by_name
from demo_app.jobs.outcome import Discarded, Failed, JobDead, Outcome, Succeeded
from demo_app.jobs.perform import JobTimeout, after_failure, perform
from demo_app.jobs.result import TaskError
from demo_app.jobs.task import find_task
from demo_app.settings import settings
from demo_app.worker.time_limit import TimeLimit

#: The time limit of this process's jobs.
limit = TimeLimit(settings().job_seconds)


def run(celery_task: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Run the job of a Celery task, and return its value.

    Raises:
        Retry: the job is tried again.
        Ignore: the job is discarded, or belongs to another worker.
        JobDead: the job is dead.
    """
    try:
        outcome = _run(celery_task.request, args, kwargs)
    except LeaseLost:
        raise Ignore from None
    match outcome:
        case Succeeded(value):
            return value
        case outcomes.Retry(after, failure, _):
            raise Retry(exc=JobDead(_last_line(failure)), when=after)
        case Discarded():
            raise Ignore
        case Failed(failure):
            raise JobDead(_last_line(failure))


def _run(request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Outcome:
    here, tag = claiming_here(), request.properties["delivery_tag"]
    notes: dict[str, Any] = {}
    job = job_of(read(vars(request), request.properties, kwargs))
    try:
        hit(Step.STARTED)
        with limit.on():
            task = find_task(job.task)
            if args and task:  # other Celery producers may pass positional arguments
                by_names = by_name(job.task, task.function, args, kwargs)
                job = replace(job, arguments=by_names)
            outcome = perform(job, check=partial(here.check, tag), notes=notes)
    except LeaseLost:
        # this ending does not change the job: Redis only counts a late acknowledgement
        here.set_ending(tag, Ending(Disposition.REQUEUE, "the lease was lost"))
        raise
    except JobTimeout:
        error = JobTimeout(f"it ran for more than {settings().job_seconds:g} s")
        outcome = after_failure(error, job)
    except Exception as error:  # the job's positional arguments do not fit the task
        outcome = after_failure(error, job)
    conclude(here, tag, job.task, outcome, notes)
    return outcome


def conclude(here: InFlight, tag: str, task: str, outcome: Outcome, notes: dict[str, Any]) -> None:
    """Convert a job's outcome into the ending of its claim, for the acknowledgement.

    Args:
        notes: facts for the job's history, by name.
    """
    match outcome:
        case Succeeded(value):
            detail = notes if value is None else {**notes, "value": value}
            ending = Ending(Disposition.DONE, _text(detail), needs=task)
        case outcomes.Retry(after, error, outage):
            text = _text({**notes, **_failure(error), "after": after})
            needs = task if outage else ""
            ending = Ending(Disposition.RETRY, text, after, next_try(here.message(tag)), needs)
        case Discarded(reason):
            ending = Ending(Disposition.DISCARD, _text({**notes, "reason": reason}))
        case Failed(error):
            ending = Ending(Disposition.DEAD, _text({**notes, **_failure(error)}))
    here.set_ending(tag, ending)


def _text(detail: dict[str, Any]) -> str:
    return json.dumps(detail, default=repr) if detail else ""


def _failure(error: TaskError) -> dict[str, Any]:
    return {"error": error.exception_class_path, "traceback": error.traceback[-8000:]}


def _last_line(error: TaskError) -> str:
    return next(reversed(error.traceback.strip().splitlines()), error.exception_class_path)
