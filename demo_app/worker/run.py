"""Run one job that Celery hands us, and end its claim with the verdict."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial
from typing import Any

from demo_app.jobs.backends.celery import job_of, message_of
from demo_app.jobs.perform import Again, Dead, Discarded, Done, LeaseLost, perform
from demo_app.jobs.result import TaskError
from demo_app.queue.message import compose
from demo_app.queue.store import Verdict
from demo_app.steps import Step, passed
from demo_app.worker.claims import claims


def run(tag: str) -> str:
    """Run the job behind a delivery tag; returns how it ended, as a word for Celery's log.

    The claim ends here, in the thread that did the work and before Celery's own acknowledgement:
    Celery forgets its acknowledgements when the connection to Redis breaks.
    """
    here = claims()
    notes: dict[str, Any] = {}
    try:
        job = job_of(here.message(tag))
        passed(Step.STARTED)
        outcome = perform(job, check=partial(here.check, tag), notes=notes)
    except LeaseLost:
        # ends as a late acknowledgement: Redis counts it and changes nothing
        here.finish(tag, Verdict.REQUEUE, detail="the lease was lost")
        return "given up: the lease was lost"
    match outcome:
        case Done(value):
            told = notes if value is None else {**notes, "value": value}
            here.finish(tag, Verdict.DONE, detail=_detail(told))
            return "done"
        case Again(after, error):
            again = compose(message_of(replace(job, attempts=job.attempts + 1)))
            here.finish(
                tag,
                Verdict.RETRY,
                detail=_detail({**notes, **_told(error), "after": after}),
                due=time.time() + after,
                message=again,
            )
            return f"again in {after:.1f} s"
        case Discarded(reason):
            here.finish(tag, Verdict.DISCARD, detail=_detail({**notes, "reason": reason}))
            return f"discarded: {reason}"
        case Dead(error):
            here.finish(tag, Verdict.DEAD, detail=_detail({**notes, **_told(error)}))
            return "dead"


def _detail(notes: dict[str, Any]) -> str:
    return json.dumps(notes, default=repr) if notes else ""


def _told(error: TaskError) -> dict[str, Any]:
    return {"error": error.exception_class_path, "traceback": error.traceback[-8000:]}
