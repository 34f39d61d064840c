"""What the stage shows: every recent comment's notification, now or as it was a minute ago."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import redis

from demo_app.blog import posts
from demo_app.broker.events import state_after
from demo_app.broker.inspect import next_to_run
from demo_app.broker.queue import Queue
from demo_app.web import snapshot
from demo_app.web.comments import CommentService
from demo_app.web.delivery import PLACE_OF_STATE, DeliveryStatus, Locator, Place
from demo_app.web.inbox import Inbox
from demo_app.web.journal import last_events
from demo_app.web.picture import TOKENS, Picture, arranged

#: The newest comments that the sums are about; older ones are another story.
COUNTED = 5000
#: Seconds that a replay goes back, and events of the journal that it holds at the most.
REPLAYED = 60
EVENTS = 1500
#: Seconds for which Redis is said to have been started: the blow of a kill is over too soon.
JUST_STARTED = 6


@dataclass(slots=True)
class Stage:
    """The stage. round: a file with the last comment of the round before, which no kill forgets."""

    comments: CommentService
    queue: Queue | None
    locator: Locator
    inbox: Inbox
    round: Path
    _seen: tuple[snapshot.Worker, ...] = field(default=())

    def picture(self) -> Picture:
        """The stage at this moment; reads a bounded number of things."""
        first = int(self.round.read_text()) + 1 if self.round.exists() else 0
        newest = posts.newest_notices(self.comments.database, COUNTED)
        found = self.locator.locate([one for one in newest if one.comment_id >= first])
        redis_answers: bool | None = None
        redis_since = None
        persistence, in_order = "", list[str]()
        if self.queue is not None:
            try:
                self._seen = snapshot.take(self.queue, self.comments.backend).workers
                server = snapshot.redis_state(self.queue.client)
                age = int(server.info["uptime_in_seconds"])
                redis_since = age if age < JUST_STARTED else None
                persistence = f"{server.persistence} {server.appendfsync}".strip()
                in_order = next_to_run(self.queue.client, TOKENS)
                redis_answers = True
            except (redis.ConnectionError, redis.TimeoutError):
                redis_answers = False  # and the workers are those that were seen last
        mood, seconds = self.inbox.mood()
        mails = self.inbox.stats()
        return Picture(
            **arranged(found, in_order, {worker.id for worker in self._seen}),
            workers=self._seen,
            backend=self.comments.backend.name,
            redis=redis_answers,
            redis_since=redis_since,
            persistence=persistence,
            mail=mood,
            mail_seconds=seconds,
            mails=mails["distinct"] if mails else None,
        )

    def replay(self, moment: float) -> Picture:
        """The stage as it was, from the journal; moment: epoch seconds.

        A moment before the last minute stands for the first event in it.
        """
        assert self.queue is not None
        events = last_events(self.queue.client, REPLAYED, EVENTS)
        first = next((n for n, event in enumerate(events, 1) if event["job"]), 0)
        past = events[: max(first, sum(event["at"] <= moment for event in events))]
        coming = events[len(past) :]
        newest = posts.newest_notices(self.comments.database, COUNTED)
        notices = {notice.job_id: notice for notice in newest}
        names: dict[str, list[str]] = defaultdict(list)
        owners: dict[str, str] = {}
        alive = {event["by"]: True for event in events if event["event"] == "claimed"}
        for event in coming:
            if event["event"] == "worker_started":
                alive.pop(event["by"], None)
        for event in past:
            if event["event"] == "worker_died":
                alive[event.get("text", "")] = False
            elif event["job"] in notices:
                names[event["job"]].append(event["event"])
                owners[event["job"]] = event["by"]
        found = []
        for job, happened in reversed(names.items()):
            place = PLACE_OF_STATE[state_after(happened)]
            owner = owners[job] if place is Place.RUNNING else ""
            found.append(DeliveryStatus(notices[job], place, owner, "rescued" in happened))
        rescued = [one.notice.job_id for one in reversed(found) if one.rescued]
        on_floors = arranged(found, rescued, set(alive))
        workers = (
            snapshot.Worker(id_, snapshot.pid_of(id_), alive[id_], len(on_floors["floors"][id_]))
            for id_ in sorted(alive)
        )
        return Picture(
            **on_floors,
            workers=tuple(workers),
            backend=self.comments.backend.name,
            redis=True,
            next=coming[0]["at"] if coming else None,
        )

    def new_round(self) -> None:
        """Count from here. The file is replaced as a whole, since others may be reading it."""
        newest = posts.newest_notices(self.comments.database, 1)
        fresh = self.round.with_suffix(f".{threading.get_native_id()}")
        fresh.write_text(str(newest[0].comment_id if newest else 0))
        fresh.replace(self.round)
