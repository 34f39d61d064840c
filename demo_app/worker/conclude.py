"""How a job's outcome goes into the acknowledgement of its claim."""

from __future__ import annotations

import json
from typing import Any

from demo_app.broker.claim import Ending, Verdict
from demo_app.broker.in_flight import InFlight
from demo_app.broker.message import next_try
from demo_app.jobs import outcome as outcomes
from demo_app.jobs.outcome import Discarded, Failed, Outcome, Succeeded
from demo_app.jobs.result import TaskError


def conclude(
    here: InFlight, tag: str, outcome: Outcome, notes: dict[str, Any] | None = None
) -> None:
    """Say how the claim is to end; the acknowledgement carries it."""
    detail = notes or {}
    match outcome:
        case Succeeded(value):
            detail = detail if value is None else {**detail, "value": value}
            ending = Ending(Verdict.DONE, _text(detail))
        case outcomes.Retry(after, error):
            text = _text({**detail, **_failure(error), "after": after})
            ending = Ending(Verdict.RETRY, text, after, next_try(here.message(tag)))
        case Discarded(reason):
            ending = Ending(Verdict.DISCARD, _text({**detail, "reason": reason}))
        case Failed(error):
            ending = Ending(Verdict.DEAD, _text({**detail, **_failure(error)}))
    here.set_ending(tag, ending)


def _text(detail: dict[str, Any]) -> str:
    return json.dumps(detail, default=repr) if detail else ""


def _failure(error: TaskError) -> dict[str, Any]:
    return {"error": error.exception_class_path, "traceback": error.traceback[-8000:]}
