"""The tasks that `celery beat` enqueues, read from the app's settings."""

from typing import Any, NamedTuple

from celery import schedules


class PeriodicTask(NamedTuple):
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
    found = []
    for name, entry in sorted((app.conf.beat_schedule or {}).items()):
        schedule = schedules.maybe_schedule(entry["schedule"], app=app)
        words, due = repr(schedule).strip("<>"), _due(schedule, app)
        found.append(PeriodicTask(str(name), str(entry["task"]), words, due))
    return found


def _due(schedule: Any, app: Any) -> float | None:
    if type(schedule) is schedules.schedule:
        return None
    try:
        now = app.now()
        return float((now + schedule.remaining_estimate(now)).timestamp())
    except Exception:  # a custom schedule may need objects that only beat has
        return None
