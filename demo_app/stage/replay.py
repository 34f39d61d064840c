"""The state of the system at an earlier moment, and the last kill, both from the journal."""

from collections.abc import Iterable

from demo_app.broker.events import Event
from demo_app.broker.fold import Fold, WorkerRecord
from demo_app.broker.where import PLACE_OF_STATE, Place
from demo_app.web.delivery import DeliveryStatus

#: The events with a bookmark in a replay, and the kind of the bookmark.
_MARKS = {"worker_killed": "kill", "worker_died": "rescue"}


def last_kill(fold: Fold, since: float = 0.0) -> WorkerRecord | None:
    """Return the worker that was killed last, or None.

    Args:
        since: ignore earlier kills (epoch seconds).
    """
    killed = [one for one in fold.workers.values() if (one.killed or -1.0) >= since]
    return max(killed, key=lambda one: one.killed or 0.0, default=None)


class Past:
    """The system at an earlier moment.

    Args:
        entries: entries of the journal, the oldest first.
        moment: the requested moment (epoch seconds).
        present: the ids of the workers that existed after the last entry.

    Attributes:
        moment: the requested moment, or the time of the first event of a job if that is later.
        fold: the fold of the entries up to the moment.
        workers: the workers that existed at the moment, each with True if it was alive.
        previous: the time of the last entry before the moment, or None.
        next: the time of the first entry after the moment, or None.
        marks: the times of all kills and rescues, each with "kill" or "rescue".
    """

    def __init__(self, entries: list[Event], moment: float, present: set[str]) -> None:
        first = next((n for n, entry in enumerate(entries, 1) if entry.job), 0)
        past = entries[: max(first, sum(entry.at <= moment for entry in entries))]
        coming = entries[len(past) :]
        self.moment = max(moment, past[-1].at if past else 0.0)
        self.next: float | None = coming[0].at if coming else None
        earlier = (entry.at for entry in past if entry.at < self.moment)
        self.previous: float | None = max(earlier, default=None)
        # a kill is reported twice: by the stage and by the supervisor
        once = {(e.detail, _MARKS[e.event]): e.at for e in reversed(entries) if e.event in _MARKS}
        self.marks = sorted((at, what) for (_, what), at in once.items())
        self.fold = Fold()
        for entry in past:
            self.fold.follow(entry)
        known = self.fold.workers
        self.workers = {
            id_: known[id_].alive if id_ in known else True
            for id_ in known.keys() | _there_before(coming, present)
            if id_ not in known or not (known[id_].died or known[id_].stopped)
        }
        self._next_entry: dict[str, Event] = {entry.job: entry for entry in reversed(coming)}

    def status(self, now: DeliveryStatus) -> DeliveryStatus | None:
        """Return the status of a notification at `self.moment`; None if it did not exist yet.

        Args:
            now: the present status of the notification.
        """
        job, notice = now.notice.job_id, now.notice
        record = self.fold.jobs.get(job)
        if record is not None:
            place = PLACE_OF_STATE[record.state]
            return DeliveryStatus(place, record.holder, record.rescued, notice=notice)
        if notice.created_at > self.moment:
            return None
        following = self._next_entry.get(job)
        if following is None:
            return now  # nothing has happened to the job since the moment
        if following.event == "enqueued":  # without a detail, the job is new
            place = Place.LATER if following.detail else Place.OUTBOX
            return DeliveryStatus(place, notice=notice)
        if following.event == "claimed":
            return DeliveryStatus(Place.QUEUED, notice=notice)
        return DeliveryStatus(Place.RUNNING, following.by, notice=notice)


def _there_before(entries: Iterable[Event], present: set[str]) -> set[str]:
    """Return the ids of the workers that existed before the first of these entries."""
    known, started = set(present), set()
    for entry in entries:
        if entry.event == "worker_started":
            started.add(entry.by)
        elif entry.event in ("claimed", "worker_stopped"):
            known.add(entry.by)
        elif entry.event in ("worker_killed", "worker_died"):
            known.add(entry.detail)
    return known - started
