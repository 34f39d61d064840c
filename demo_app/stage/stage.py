"""The state of the stage: the place of each recent notification, now or at an earlier moment."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import redis

from demo_app.blog import posts
from demo_app.blog.posts import Notice
from demo_app.broker import journal
from demo_app.broker.events import State
from demo_app.broker.fold import Fold, WorkerRecord
from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import Worker, pid_of
from demo_app.broker.web.redis_state import redis_state
from demo_app.stage.picture import TOKENS, Picture, floors_and_sums
from demo_app.stage.replay import Past, last_kill
from demo_app.stage.sink import Sink
from demo_app.stage.twin import Twin
from demo_app.web import snapshot
from demo_app.web.comments import CommentService
from demo_app.web.delivery import Locator

#: Only this number of the newest comments is counted. It is also the limit of the stored votes.
COUNTED = 5000
#: TAPE: default length of a replay (seconds). EVENTS: limit of the journal's entries in one read.
TAPE = 600
EVENTS = 10_000
#: Seconds for which the places of the jobs are cached for all phones.
SHARED = 0.5


@dataclass(slots=True)
class Stage:
    """The stage, which returns pictures of the present and of earlier moments.

    Attributes:
        round: a file with the number of the last comment before the present round.
        twin: stock Celery for comparison, if it runs.
        votes: the prediction of each phone.
    """

    comments: CommentService
    queue: Queue | None
    locator: Locator
    inbox: Sink
    round: Path
    twin: Twin | None = None
    votes: dict[str, str] = field(default_factory=dict)
    _seen: Sequence[Worker] = ()
    _fold: Fold = field(default_factory=Fold)
    _begun: float = 0.0
    _read: str = "0-0"
    _reading: threading.Lock = field(default_factory=threading.Lock)
    _places: dict[str, list[int]] = field(default_factory=dict)
    _places_read_at: float = -SHARED
    _places_lock: threading.Lock = field(default_factory=threading.Lock)

    def picture(self) -> Picture:
        """Return the picture of this moment. The number of reads has a fixed limit."""
        found, seen = self.locator.locate_with_snapshot(self._notices(), TOKENS)
        redis_answers: bool | None = None if self.queue is None else seen is not None
        persistence, in_order, kill = "", list[str](), last_kill(self._fold, self._begun)
        paused = False
        if self.queue is not None and seen is not None:
            in_order = seen.next_to_run
            paused = any(queue.paused for queue in seen.queues())
            try:
                server = redis_state(self.queue.client)
                persistence = f"{server.persistence} {server.appendfsync}".strip()
                kill = self._newest_kill(self.queue)
            except (redis.ConnectionError, redis.TimeoutError):
                redis_answers = False
        mood, seconds = self.inbox.mood()
        mails = self.inbox.stats() or {}
        if seen is not None:  # keep the workers, to show them also while Redis does not answer
            self._seen = seen.workers
        on_floors = floors_and_sums(found, in_order, {one.id: one.alive for one in self._seen})
        floors = on_floors["floors"]
        workers = tuple(replace(one, running=len(floors[one.id])) for one in self._seen)
        return Picture(
            **on_floors,
            workers=workers,
            backend=self.comments.backend.name,
            redis=redis_answers,
            persistence=persistence,
            paused=paused,
            mail=mood,
            mail_seconds=seconds,
            twice=mails.get("duplicates", 0),
            last_kill=kill,
        )

    def places(self) -> dict[str, list[int]]:
        """Return a recent `Picture.ids_by_sum`, for phones.

        The places are cached. After SHARED seconds one thread makes a new picture. Meanwhile the
        other threads return the cached places.
        """
        is_old = time.monotonic() - self._places_read_at >= SHARED
        if is_old and self._places_lock.acquire(blocking=False):
            try:
                self._places, self._places_read_at = self.picture().ids_by_sum, time.monotonic()
            finally:
                self._places_lock.release()
        return self._places

    def replay(self, since: float, until: float, moment: float) -> Picture:
        """Return the picture of an earlier moment, from the journal.

        Args:
            since: the start of the tape (epoch seconds).
            until: the end of the tape (epoch seconds).
            moment: the moment (epoch seconds). If it is outside the tape, the nearest moment of the
                tape is shown.
        """
        assert self.queue is not None
        client = self.queue.client
        entries = journal.between(client, since, until, EVENTS)
        present = {worker.id for worker in snapshot.take(self.queue, self.comments.backend).workers}
        later = journal.between(client, until, time.time() + 1, EVENTS)
        present -= {entry.by for entry in later if entry.event == "worker_started"}
        now = self.locator.locate(self._notices())
        begins = min((entry.at for entry in entries), default=since)
        past = Past(entries, min(moment, until), present)
        found = [one for one in map(past.status, now) if one is not None]
        on_floors = floors_and_sums(found, past.fold.order, past.workers)
        workers = (
            Worker(id_, pid_of(id_), alive, len(on_floors["floors"][id_]))
            for id_, alive in sorted(past.workers.items())
        )
        return Picture(
            **on_floors,
            workers=tuple(workers),
            backend=self.comments.backend.name,
            redis=True,
            moment=past.moment,
            tape={
                "since": begins,
                "until": until,
                "moment": past.moment,
                "previous": past.previous,
                "next": past.next,
                "marks": past.marks,
            },
            last_kill=last_kill(past.fold),
        )

    def _newest_kill(self, queue: Queue) -> WorkerRecord | None:
        """Return the worker that was killed last in this round, or None.

        Each call reads only the new entries of the journal.
        """
        begun = self.round.stat().st_mtime if self.round.exists() else 0.0
        with self._reading:
            if self._begun != begun:
                start = max(begun, time.time() - TAPE)
                self._fold, self._begun, self._read = Fold(), begun, f"{start * 1000:.0f}-0"
            for entry in journal.after(queue.client, self._read, EVENTS):
                self._read = entry.id
                self._fold.follow(entry)
                if entry.event in (State.DONE, State.DISCARDED):  # keeps the fold small
                    self._fold.forget(entry.job)
            return last_kill(self._fold, begun)

    def _notices(self) -> list[Notice]:
        first = self.first_of_round()
        newest = posts.newest_notices(self.comments.database, COUNTED)
        return [one for one in newest if one.comment_id >= first]

    def first_of_round(self) -> int:
        """Return the lowest number that a comment of this round can have."""
        return int(self.round.read_text()) + 1 if self.round.exists() else 0

    def vote(self, phone: str, guess: str) -> None:
        """Store a phone's vote, which replaces the phone's earlier vote.

        Above COUNTED votes, delete the oldest one.
        """
        self.votes[phone] = guess
        if len(self.votes) > COUNTED:
            self.votes.pop(next(iter(self.votes)), None)

    def new_round(self) -> None:
        """Start a new round, also in the twin. Ignore earlier comments, and delete the votes.

        The round's file is replaced atomically, since other threads may read it.
        """
        self.votes.clear()
        newest = posts.newest_notices(self.comments.database, 1)
        fresh = self.round.with_suffix(f".{threading.get_native_id()}")
        fresh.write_text(str(newest[0].comment_id if newest else 0))
        fresh.replace(self.round)
        if self.twin is not None:
            self.twin.new_round()
