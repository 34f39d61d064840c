"""Stock Celery, for a comparison with the same comments and the same kill.

Its state is read from kombu's keys in a separate Redis database: the list `mail`, `unacked` and
`unacked_index`. The jobs of a dead worker stay in `unacked` and `unacked_index` until the
visibility timeout.
"""

import re
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
import redis

from demo_app.backends.stock import StockBackend, held_by_kombu
from demo_app.broker.connection import Decoded, connect
from demo_app.broker.events import moment_of, object_of
from demo_app.jobs.job import Job
from demo_app.settings import Settings
from demo_app.tasks import notify_author_again
from demo_app.web import processes
from demo_app.web.inbox import Inbox

#: The places of a job, in stock Celery and in this project's system.
PLACES = ("waiting", "running", "held", "delivered", "lost")
#: The key of a hash: the id of each job of this round -> the number of its comment.
_POSTED = "twin:posted"
#: Seconds after which a job counts as lost if no key has it and its mail is not in the inbox.
_LOST_AFTER = 2.0


@dataclass(frozen=True, slots=True)
class TwinPicture:
    """The jobs of stock Celery at one moment.

    Attributes:
        places: for each place, the ids of the comments whose jobs are in it.
        back_in: seconds until the visibility timeout of the oldest job in the place `held` ends, so
            that Celery may requeue the job; 0 if no job is in `held`.
    """

    places: dict[str, list[int]]
    back_in: float

    def our_places(self, ids_by_sum: dict[str, list[int]]) -> dict[str, list[int]]:
        """Return the places of this project's jobs for the comments that stock Celery got too.

        Args:
            ids_by_sum: `Picture.ids_by_sum`.
        """
        posted = {number for numbers in self.places.values() for number in numbers}
        return {place: [n for n in ids_by_sum.get(place, ()) if n in posted] for place in PLACES}


@dataclass(slots=True)
class Twin:
    """Stock Celery, which runs for comparison."""

    chosen: Settings
    inbox: Inbox
    _client: Decoded = field(init=False)
    _backend: StockBackend = field(init=False)
    _unseen_since: dict[str, float] = field(default_factory=dict)  # times by job (monotonic clock)
    _mailed: set[str] = field(default_factory=set)
    _last: TwinPicture | None = None

    def __post_init__(self) -> None:
        self._client = connect(self.chosen.twin_url, timeout=2.0)
        stock = self.chosen.model_copy(update={"redis_url": self.chosen.twin_url})
        self._backend = StockBackend(stock)

    def post(self, comment_id: int) -> None:
        """Enqueue a job for the comment in stock Celery."""
        job = Job(notify_author_again.name, {"comment_id": comment_id}, queue_name="mail")
        self._client.hset(_POSTED, job.id, comment_id)
        self._backend.enqueue(job)

    def new_round(self) -> None:
        self._client.delete(_POSTED)

    def kill(self) -> None:
        pid, _, _ = self._worker()
        processes.send(pid or 0, signal.SIGKILL)

    def picture(self) -> TwinPicture | None:
        """Return the present picture. While Redis does not answer, return the last one, if any."""
        with suppress(redis.RedisError):
            self._last = self._picture()
        return self._last

    def _picture(self) -> TwinPicture:
        pairs = self._client.hgetall(_POSTED).items()
        posted = {job: number for job, number in pairs if re.fullmatch("[0-9]{1,15}", number)}
        has = held_by_kombu(self._client)
        _, alive, since = self._worker()
        found = dict.fromkeys(has.waiting, "waiting")
        held: list[float] = []
        for job, moment in has.taken.items():
            found[job] = "running" if alive and moment >= since else "held"
            if found[job] == "held" and job in posted:
                held.append(moment)
        places = self._places(posted, found)
        back_in = max(0.0, min(held, default=0.0) + self.chosen.visibility_seconds - time.time())
        return TwinPicture(places, back_in)

    def _places(self, posted: dict[str, str], found: dict[str, str]) -> dict[str, list[int]]:
        if posted.keys() - found.keys() - self._mailed:
            self._mailed = {str(mail["job_id"]) for page in self.inbox.pages(4) for mail in page}
        unseen = [job for job in posted if job not in found and job not in self._mailed]
        now = time.monotonic()
        self._unseen_since = {job: self._unseen_since.get(job, now) for job in unseen}
        lost = {job for job, since in self._unseen_since.items() if now - since > _LOST_AFTER}
        places: dict[str, list[int]] = {name: [] for name in PLACES}
        for job, number in sorted(posted.items(), key=lambda pair: int(pair[1])):
            # at first, a missing job counts as running: it may be between two keys, or its mail may
            # be in transit
            unseen_as = "lost" if job in lost else "running"
            place = found.get(job) or ("delivered" if job in self._mailed else unseen_as)
            places[place].append(int(number))
        return places

    def _worker(self) -> tuple[int | None, bool, float]:
        """Return the pid of the newest worker of stock Celery, True if it is alive, and its start.

        Return (None, False, 0.0) if there is no worker.
        """
        keys = self._client.keys("stock-worker:*")
        records = [object_of(text or "") for text in self._client.mget(keys)] if keys else []
        newest = max(records, key=lambda one: moment_of(one.get("since")), default={})
        pid = newest.get("pid")
        if not isinstance(pid, int):  # there is no worker, or its record was wiped
            for pid in processes.with_role("stock"):
                with suppress(psutil.Error):
                    return pid, True, psutil.Process(pid).create_time()
            return None, False, 0.0
        return pid, processes.is_our_worker(pid), moment_of(newest.get("since"))
