"""What the stage shows: every recent comment's notification, the rooms it passes, and the sums."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from demo_app.blog import posts
from demo_app.broker.inspect import next_to_run
from demo_app.broker.queue import Queue
from demo_app.settings import settings
from demo_app.web import snapshot
from demo_app.web.desk import Desk
from demo_app.web.inbox import Inbox
from demo_app.web.whereabouts import SUM, Place, Tracker, Whereabouts

#: The newest comments that the sums are about; older ones are another story.
COUNTED = 5000
#: Jobs shown as tokens of their own; the rest is a number.
TOKENS = 120
#: Delivered ones among them, the newest.
DELIVERED = 24


@dataclass(slots=True)
class Stage:
    """The stage. round: a file with the last comment of the round before, which no kill forgets."""

    desk: Desk
    store: Queue | None
    tracker: Tracker
    inbox: Inbox
    round: Path

    def state(self) -> dict[str, Any]:
        """Everything that the picture needs, in one answer; reads a bounded number of things."""
        floor = int(self.round.read_text()) if self.round.exists() else 0
        newest = posts.newest_notices(self.desk.database, COUNTED)
        counted = [one for one in newest if one.comment_id > floor]
        found = self.tracker.look(counted)
        sums = Counter(SUM[one.place] for one in found)
        names = ("waiting", "running", "delivered", "lost", "discarded")
        workers, redis_up, persistence, queue = self._redis()
        mails = self.inbox.stats()
        mood, seconds = self.inbox.mood()
        return {
            "sums": {"posted": len(found), **{name: sums[name] for name in names}},
            "dead": sum(one.place is Place.DEAD for one in found),
            "tokens": [_token(one) for one in _shown(found, queue)],
            "hidden": dict(Counter(one.place.value for one in found)),
            "backend": self.desk.backend.name,
            "redis": redis_up,
            "persistence": persistence,
            "workers": workers,
            "lease": settings().lease_seconds,
            "mail": mood,
            "mail_seconds": seconds,
            "mails": mails["distinct"] if mails else None,
            "twice": mails["duplicates"] if mails else None,
        }

    def new_round(self) -> None:
        """Count from here."""
        newest = posts.newest_notices(self.desk.database, 1)
        self.round.write_text(str(newest[0].comment_id if newest else 0))

    def _redis(self) -> tuple[list[dict[str, Any]], bool | None, str, list[str]]:
        """The workers, whether Redis answers, what it keeps on disk, and the head of the queue."""
        if self.store is None:
            return [], None, "", []
        try:
            seen = snapshot.take(self.store, self.desk.backend)
            told = snapshot.redis_state(self.store.client)
            queue = next_to_run(self.store.client, TOKENS)
        except (redis.ConnectionError, redis.TimeoutError):
            return [], False, "", []
        workers = [
            {
                "id": worker.id,
                "pid": worker.pid,
                "alive": worker.alive,
                "quiet": worker.quiet,
                "running": worker.running,
                "left": round(worker.left, 2),
                "threads": worker.concurrency,
            }
            for worker in seen.workers
        ]
        persistence = " ".join(filter(None, (told.persistence, told.appendfsync)))
        return workers, True, persistence, queue


def _shown(found: list[Whereabouts], queue: list[str]) -> list[Whereabouts]:
    """The ones that get a token: lost ones, those on their way, the newest mails.

    found: the newest comment first. queue: ids, next to run first. In each place, they come in
    the order in which they arrived there, as far as that is known.
    """
    lost = [one for one in found if one.place is Place.LOST]
    done = [one for one in found if one.place in (Place.DELIVERED, Place.DISCARDED)]
    ended = (Place.LOST, Place.DELIVERED, Place.DISCARDED)
    on_the_way = [one for one in reversed(found) if one.place not in ended]
    # those next to run are what moves; a job that was tried before stands behind younger ones
    spot = {job_id: number for number, job_id in enumerate(queue)}
    on_the_way.sort(
        key=lambda one: spot.get(one.notice.job_id, TOKENS if one.place is Place.QUEUED else -1)
    )
    return (lost[:40] + on_the_way)[:TOKENS] + done[:DELIVERED][::-1]


def _token(one: Whereabouts) -> dict[str, Any]:
    return {
        "job": one.notice.job_id,
        "n": one.notice.comment_id,
        "place": one.place,
        "owner": one.owner,
        "backend": one.backend,
    }
