"""The tasks that `celery beat` enqueues, as the app's settings list them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from celery import schedules


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """One entry of the schedule.

    Attributes:
        schedule: Celery's description of the times.
        due: the next due time (seconds since the epoch); None if it depends on the last run, which
            only `celery beat` knows, or if it can't be computed.
    """

    name: str
    task: str
    schedule: str
    due: float | None


def periodic_tasks(app: Any) -> list[PeriodicTask]:
    entries: dict[str, Any] = app.conf.beat_schedule or {}
    return [
        PeriodicTask(
            str(name),
            str(entry["task"]),
            *_read(schedules.maybe_schedule(entry["schedule"], app=app), app),
        )
        for name, entry in sorted(entries.items())
    ]


def _read(schedule: Any, app: Any) -> tuple[str, float | None]:
    """Return the schedule in words, and the next due time (seconds since the epoch) or None."""
    words = repr(schedule).strip("<>")
    if not isinstance(schedule, schedules.BaseSchedule) or type(schedule) is schedules.schedule:
        return words, None
    try:
        now = app.now()
        return words, (now + schedule.remaining_estimate(now)).timestamp()
    except Exception:  # a custom schedule may need objects that only beat has
        return words, None
