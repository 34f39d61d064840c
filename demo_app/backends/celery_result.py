"""What a job's history in Redis says of its result."""

from __future__ import annotations

from datetime import UTC, datetime

from demo_app.broker.events import Event, JobView
from demo_app.jobs.backend import Backend
from demo_app.jobs.result import GIVEN_UP, STATUS_OF_STATE, TaskError, TaskResult


def result_of(view: JobView, backend: Backend) -> TaskResult:
    """The result of the job whose history this is; backend: finds it again later."""
    tries = [event for event in view.timeline if event.event in ("retrying", "dead")]
    began = [event.at for event in view.timeline if event.event == "claimed"]
    ended = [event for event in view.timeline if event.event in ("done", "dead", "discarded")]
    last = ended[-1] if ended and view.state in STATUS_OF_STATE else None
    return TaskResult(
        view.id,
        view.task,
        view.arguments,
        backend.name,
        attempts=view.attempts,
        errors=[_error(view, event) for event in tries],
        enqueued_at=_moment(view.enqueued_at),
        started_at=_moment(began[-1]) if began else None,
        finished_at=_moment(last.at) if last else None,
        state=view.state,
        reason=str(last.notes.get("reason", last.notes.get("text", ""))) if last else "",
        _return_value=view.return_value,
        _find=backend.find,
    )


def _error(view: JobView, event: Event) -> TaskError:
    if event.error_class:
        return TaskError(event.error_class, event.traceback)
    return TaskError(GIVEN_UP, f"{view.task}: {event.traceback}")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
