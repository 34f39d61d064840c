"""What the stage shows: every recent comment's notification, the rooms it passes, and the sums."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from demo_app.web.translations import Translations

#: The newest comments that the sums are about; older ones are another story.
COUNTED = 5000
#: Jobs shown as tokens of their own; the rest is a number.
TOKENS = 120
#: Delivered ones, the newest; and lost ones.
DELIVERED = 24
LOST = 40
#: Seconds that a replay goes back, and events of the journal that it holds at the most.
REPLAYED = 60
EVENTS = 1500
SUMS = ("posted", "waiting", "running", "delivered", "lost", "discarded")


@dataclass(frozen=True, slots=True)
class Picture:
    """The stage at one moment.

    sums: by name, `posted` is the sum of the others. floors: the tokens on each floor, in their
    order; a worker's floor is named by its id. hidden: how many more are on a floor.
    redis: whether it answers; None when it takes no part. mail: the mood of the mail server, and
    mail_seconds how long it takes for a mail. mails: how many have arrived.
    next: in a replay, epoch seconds of the next event; None when it has come to its end.
    """

    sums: dict[str, int]
    floors: dict[str, list[DeliveryStatus]]
    hidden: dict[str, int]
    dead: int
    workers: tuple[snapshot.Worker, ...] = ()
    backend: str = ""
    redis: bool | None = None
    persistence: str = ""
    mail: str = "well"
    mail_seconds: float = 0.0
    mails: int | None = None
    next: float | None = None

    @property
    def rescued(self) -> int:
        """How many jobs were rescued and are on their way again."""
        ended = ("inbox", "lost", "dead")
        tokens = (one for floor, ones in self.floors.items() if floor not in ended for one in ones)
        return sum(one.rescued for one in tokens)

    def in_words(self, t: Translations) -> str:
        """The picture in words, for a screen reader and for the last row."""
        sentences = [
            t("stage.says.sums", **self.sums) if self.sums["posted"] else t("stage.says.start")
        ]
        if self.dead:
            sentences.append(t("stage.says.dead", n=self.dead))
        if self.redis is False:
            sentences.append(t("stage.says.redis_away"))
        killed = [worker for worker in self.workers if not worker.alive]
        if killed:
            held = sum(worker.running for worker in killed)
            sentences.append(t("stage.says.worker_dead", n=len(killed), jobs=held))
        if self.rescued:
            sentences.append(t("stage.says.rescued", jobs=self.rescued))
        if self.mail in ("slow", "down", "away"):
            sentences.append(t(f"stage.says.mail_{self.mail}"))
        return " ".join(sentences)


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
        persistence, in_order = "", list[str]()
        if self.queue is not None:
            try:
                self._seen = snapshot.take(self.queue, self.comments.backend).workers
                server = snapshot.redis_state(self.queue.client)
                persistence = f"{server.persistence} {server.appendfsync}".strip()
                in_order = next_to_run(self.queue.client, TOKENS)
                redis_answers = True
            except (redis.ConnectionError, redis.TimeoutError):
                redis_answers = False  # and the workers are those that were seen last
        mood, seconds = self.inbox.mood()
        mails = self.inbox.stats()
        return Picture(
            **_arranged(found, in_order, {worker.id for worker in self._seen}),
            workers=self._seen,
            backend=self.comments.backend.name,
            redis=redis_answers,
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
        arranged = _arranged(found, rescued, set(alive))
        workers = (
            snapshot.Worker(id_, snapshot.pid_of(id_), alive[id_], len(arranged["floors"][id_]))
            for id_ in sorted(alive)
        )
        return Picture(
            **arranged,
            workers=tuple(workers),
            backend=self.comments.backend.name,
            redis=True,
            next=coming[0]["at"] if coming else None,
        )

    def new_round(self) -> None:
        """Count from here. The file is replaced as a whole, since others may be reading it."""
        newest = posts.newest_notices(self.comments.database, 1)
        fresh = self.round.with_suffix(f".{os.getpid()}")
        fresh.write_text(str(newest[0].comment_id if newest else 0))
        fresh.replace(self.round)


def _arranged(
    found: list[DeliveryStatus], in_order: list[str], workers: set[str]
) -> dict[str, Any]:
    """Each notification on its floor, and the sums.

    found: the newest comment first. in_order: ids of queued jobs, next to run first. On each
    other floor the oldest comes first. workers: the ids of those that have a floor.
    """
    spot = {job_id: number for number, job_id in enumerate(in_order)}
    floors: dict[str, list[DeliveryStatus]] = defaultdict(list)
    for one in reversed(found):
        floors[_floor(one, workers)].append(one)
    floors["queue"].sort(key=lambda one: spot.get(one.notice.job_id, TOKENS))
    shown = {floor: ones[:TOKENS] for floor, ones in floors.items()}
    shown["inbox"] = floors["inbox"][: -DELIVERED - 1 : -1]  # the newest first
    shown["lost"] = floors["lost"][-LOST:]
    sums = Counter(one.place.sum for one in found)
    return {
        "sums": {"posted": len(found), **{name: sums[name] for name in SUMS[1:]}},
        "floors": defaultdict(list, shown),
        "hidden": _hidden(floors, shown),
        "dead": len(floors["dead"]),
    }


def _floor(one: DeliveryStatus, workers: set[str]) -> str:
    if one.place is Place.RUNNING:
        owner = one.owner if one.owner in workers else "unseen"
        return "memory" if one.in_process else owner
    if one.place in (Place.QUEUED, Place.UNSURE):
        return "queue"
    return "inbox" if one.place in (Place.DELIVERED, Place.DISCARDED) else one.place.value


def _hidden(
    floors: dict[str, list[DeliveryStatus]], shown: dict[str, list[DeliveryStatus]]
) -> dict[str, int]:
    """How many tokens are missing on a floor; in the inbox there is no need to say so."""
    return {floor: len(ones) - len(shown[floor]) for floor, ones in floors.items()} | {"inbox": 0}
