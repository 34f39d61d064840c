"""Run one job that Celery hands us, and end its claim with the verdict."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

from demo_app.backends.celery import job_of, message_of
from demo_app.broker.claim import Verdict
from demo_app.broker.in_flight import InFlight, in_flight
from demo_app.broker.message import compose
from demo_app.failpoints import Step, hit
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Discarded, Failed, Outcome, Retry, Succeeded
from demo_app.jobs.perform import JobTimeout, LeaseLost, after_failure, perform
from demo_app.jobs.result import TaskError
from demo_app.settings import settings
from demo_app.worker.time_limit import TimeLimit

#: The time limit of this process's jobs.
limit = TimeLimit(settings().job_seconds)


def run(tag: str) -> str:
    """Run the job behind a delivery tag; returns how many were run, as words for Celery's log.

    A claim ends here, in the thread that did the work and before Celery's own acknowledgement:
    Celery forgets its acknowledgements when the connection to Redis breaks. And since each
    acknowledgement brings the next job with it, a busy thread goes on by itself; Celery hears of
    it when there is nothing more to do.
    """
    count = 0
    following: str | None = tag
    while following is not None:
        count, following = count + 1, _run_one(following)
    return f"ran {count}"


def _run_one(tag: str) -> str | None:
    """Run one job; returns the tag of the next one, if its acknowledgement brought one."""
    here = in_flight()
    notes: dict[str, Any] = {}
    try:
        job = job_of(here.message(tag))
    except LeaseLost:
        return None
    hit(Step.STARTED)
    try:
        with limit.on(tag, job):
            outcome = perform(job, check=partial(here.check, tag), notes=notes)
    except LeaseLost:
        # ends as a late acknowledgement: Redis counts it and changes nothing
        return here.finish(tag, Verdict.REQUEUE, detail="the lease was lost")
    except JobTimeout:
        error = JobTimeout(f"it ran for more than {settings().job_seconds:g} s")
        outcome = after_failure(error, job)
    except BaseException as error:  # a job may not end its worker, with sys.exit() for example
        outcome = after_failure(error, job)
    return conclude(here, tag, job, outcome, notes, go_on=True)


def conclude(
    here: InFlight,
    tag: str,
    job: Job,
    outcome: Outcome,
    notes: dict[str, Any] | None = None,
    *,
    go_on: bool = False,
) -> str | None:
    """End the claim as the outcome says; go_on, and what is returned: see `InFlight.finish`."""
    told = notes or {}
    end = partial(here.finish, tag, go_on=go_on)
    match outcome:
        case Succeeded(value):
            told = told if value is None else {**told, "value": value}
            return end(Verdict.DONE, detail=_detail(told))
        case Retry(after, error):
            again = compose(message_of(replace(job, attempts=job.attempts + 1)))
            detail = _detail({**told, **_told(error), "after": after})
            return end(Verdict.RETRY, detail=detail, after=after, message=again)
        case Discarded(reason):
            return end(Verdict.DISCARD, detail=_detail({**told, "reason": reason}))
        case Failed(error):
            return end(Verdict.DEAD, detail=_detail({**told, **_told(error)}))


def _detail(notes: dict[str, Any]) -> str:
    return json.dumps(notes, default=repr) if notes else ""


def _told(error: TaskError) -> dict[str, Any]:
    return {"error": error.exception_class_path, "traceback": error.traceback[-8000:]}
