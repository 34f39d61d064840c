"""The queue's atomic steps, each one Lua script, as typed Python methods.

Every method is one round trip and one atomic step. All raise redis.ConnectionError or
redis.TimeoutError when the server can't be reached, and redis.ResponseError when it refuses.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import redis

from .claim import Claim, Claimed, Disposition, Ended, claimed_by
from .connection import Decoded
from .fold import STATE_AFTER
from .keys import Keys, lanes_of
from .lua import ScriptCall, Scripts
from .message import Message, compose, parse_or_quote
from .options import DEFAULTS, Options
from .snapshot import Snapshot

#: Jobs asked about, discarded or moved in one step.
_AT_ONCE = 500
#: Seconds that a producer waits for replicas.
REPLICAS_WITHIN = 1.0


class Kind(StrEnum):
    """What a message is; `enqueue.lua` says what becomes of each kind."""

    ONCE = "once"
    JOB = "job"
    NEXT_TRY = "next try"
    MESSAGE = "message"
    TRANSIENT = "transient"


class Queue:
    """The queue in one Redis server."""

    def __init__(self, client: redis.Redis, options: Options = DEFAULTS) -> None:
        self.client = client
        self.keys = Keys(options.global_keyprefix)
        self.options = options
        self.scripts = Scripts(client, options)
        self._run = self.scripts.run
        self._clock: tuple[float, float, float] | None = None  # Redis' and ours, at one moment
        self.suspected = False

    def enqueue(self, message: Message, *, by: str = "", due: float | None = None) -> bool:
        """Put one job in; False when its id was known already.

        due: epoch seconds before which it must not run.
        """
        return bool(self.enqueue_many([(message, due)], by=by))

    def publish(
        self,
        text: str,
        job_id: str,
        lane: str,
        *,
        kind: Kind,
        by: str = "",
        due: float | None = None,
    ) -> None:
        """Put in a message as its producer wrote it; due: epoch seconds until which it waits.

        Raises:
            redis.TimeoutError: fewer replicas than `wait_for_replicas` have a job in time. It is
                in the queue all the same, and one that is put in again is the same job.
        """
        self._run("enqueue", by, time.time(), job_id, lane, _text(due), kind, text)
        if self.options.wait_for_replicas and kind in (Kind.JOB, Kind.NEXT_TRY):
            self._wait_for_replicas(self.options.wait_for_replicas)

    def _wait_for_replicas(self, wanted: int) -> None:
        pipe = self.client.pipeline(transaction=False)
        # WAIT is about the last write of its own connection, and the job's was on another
        pipe.set(self.keys("replicated"), "", px=1000)
        pipe.wait(wanted, int(1000 * REPLICAS_WITHIN))
        _, found = pipe.execute()
        if found < wanted:
            raise redis.exceptions.TimeoutError(
                f"The job is in Redis, but after {REPLICAS_WITHIN:g} s only {found} of {wanted} "
                "replicas have it."
            )

    def purge(self, lanes: Sequence[str], *, by: str) -> int:
        """Discard every job that waits in these lanes; returns how many those were."""
        purged = 0
        while some := int(self._run("purge", by, _AT_ONCE, *lanes)):
            purged += some
        return purged

    def purge_due_later(self, lanes: Sequence[str], *, by: str) -> int:
        """Discard every job that is due later in these lanes; returns how many those were."""
        client: Decoded = self.client
        purged = 0
        for state in ("scheduled", "retrying"):
            for job_id in client.zrange(self.keys(state), 0, -1):
                text = client.lindex(self.keys("job", job_id), 0) or ""
                if parse_or_quote(job_id, text).lane in lanes:
                    purged += self.decide(job_id, "discard", by=by) == state
        return purged

    def size(self, lanes: Sequence[str]) -> int:
        """How many messages wait in these lanes."""
        pipe = self.client.pipeline(transaction=False)
        for lane in lanes:
            pipe.llen(self.keys("queue", lane))
        return sum(map(int, pipe.execute()))

    def enqueue_many(
        self, messages: Iterable[tuple[Message, float | None]], *, by: str = ""
    ) -> int:
        """Put many jobs in, in their order and in one atomic step; returns how many were new."""
        entries = [
            part
            for message, due in messages
            for part in (message.id, message.lane, _text(due), Kind.ONCE, compose(message))
        ]
        return int(self._run("enqueue", by, time.time(), *entries)) if entries else 0

    def claim(self, worker: str, lanes: Sequence[str], most: int = 1) -> list[Claimed]:
        """Take the next jobs, if there are any, from the first lane that has one.

        Raises redis.ResponseError, beginning with LEASELOST, for a worker that is not registered.
        """
        return claimed_by(worker, self._run("claim", worker, most, *lanes))

    def finish(
        self,
        claim: Claim,
        how: Disposition,
        detail: str = "",
        after: float | None = None,
        message: str = "",
        needs: str = "",
        *,
        next_for: tuple[str, Sequence[str]] | None = None,
    ) -> Ended:
        """Acknowledge a claim, and take the next job in the same step if that is wanted.

        how, detail, after, message, needs: see `Ending`.
        next_for: a worker, and the lanes to take the next job from.
        """
        taking = () if next_for is None else (next_for[0], *next_for[1])
        held = (claim.worker, claim.lane, claim.id, claim.number)
        told = (how, detail, f"{after or 0.0:.6f}", message, self.options.max_rescues, needs)
        in_time, *taken = self._run("finish", *held, *told, *taking)
        following = claimed_by(taking[0], taken)[0] if taken else None
        return Ended(bool(in_time), following)

    def register(self, worker: str, lease_ms: int, said: str, *, instead_of: str = "") -> None:
        """Make a worker known, alive for one lease (milliseconds), before its first claim.

        instead_of: the name under which it was taken for dead, though it was only paused.
        """
        self._run("register", worker, lease_ms, said, instead_of)

    def beat(
        self, worker: str, lease_ms: int, info: str, waiting: Iterable[str] = ()
    ) -> ScriptCall[bool]:
        """Renew a lease. The result is False if the worker was taken for dead meanwhile.

        Args:
            worker: its epoch.
            lease_ms: length of the lease (milliseconds).
            info: JSON about the worker, for pages and reports.
            waiting: ids of the jobs that it holds and has not begun.
        """
        return ScriptCall(self.scripts, ("beat", worker, lease_ms, info, *waiting), bool)

    def begin(self, worker: str, job_ids: Iterable[str]) -> None:
        """A worker begins jobs of which it has said that they wait."""
        self._run("begin", worker, *job_ids)

    def deregister(self, worker: str) -> int:
        """Take a worker off the list; returns how many jobs went back to their queues."""
        return int(self._run("deregister", worker))

    def rescue(
        self,
        by: str,
        lease_ms: int,
        limit: int,
        *,
        beat_ms: int = 500,
        connected: float = 1e9,
    ) -> ScriptCall[list[str]]:
        """Give back the jobs of workers that two looks, a beat apart, found dead.

        The result is the ids of these jobs. Then `suspected` is True if the next look may find
        another worker dead.

        Args:
            by: the worker that looks.
            lease_ms: length of its lease (milliseconds).
            limit: rescues of one job before it counts as poison.
            beat_ms: pause between its heartbeats (milliseconds).
            connected: for how long it has reached Redis without a break (seconds).
        """
        asked, wall = time.monotonic(), time.time()
        # our own monotonic clock tells whether the one of Redis, which ends leases, leapt ahead
        last_look: tuple[str, ...] = ()
        if self._clock is not None:
            then, own_then, wall_then = self._clock
            last_look = _text(then), _text(asked - own_then), _text(wall - wall_then)

        def parse(reply: Any) -> list[str]:
            now, suspected, *moved = reply
            self._clock, self.suspected = (float(now), asked, wall), int(suspected) > 0
            return list(moved)

        call = "rescue", by, lease_ms, beat_ms, limit, _text(connected), *last_look
        return ScriptCall(self.scripts, call, parse)

    def given_up(self, job_ids: Sequence[str]) -> list[str]:
        """The messages of those among the jobs that are dead."""
        pipe = self.client.pipeline(transaction=True)
        for job_id in job_ids:
            pipe.zscore(self.keys("dead"), job_id)
            pipe.lindex(self.keys("job", job_id), 0)
        told = pipe.execute()
        pairs = zip(told[::2], told[1::2], strict=True)
        return [message for dead, message in pairs if dead is not None and message]

    def promote_due(self, by: str) -> ScriptCall[tuple[int, float | None]]:
        """Move due jobs into their queues.

        The result is how many were moved, and the seconds until the next one is due.
        """

        def parse(reply: Any) -> tuple[int, float | None]:
            moved, soonest = reply
            return int(moved), float(soonest) if soonest else None

        return ScriptCall(self.scripts, ("promote_due", by, _AT_ONCE), parse)

    def decide(self, job_id: str, what: str, *, by: str) -> str:
        """Bring a waiting job back ("retry"), "discard" it, or forget one that was "moved".

        "delete" discards one that is queued, too. Returns the state it was in; "" when it was in
        none of those in which jobs wait.
        """
        return str(self._run("decide", job_id, what, by))

    def pause(self, worker: str, wanted: bool) -> bool:
        """Ask a worker to take nothing new, or to go on; False when there is no such worker."""
        return bool(self._run("pause", "worker", worker, int(wanted), worker))

    def pause_queue(self, queue: str, wanted: bool) -> None:
        """Let no worker take jobs from a queue, or let them again; what runs goes on."""
        lanes = (f"queue:{lane}" for lane in lanes_of(queue))
        self._run("pause", "queue", queue, int(wanted), *lanes)

    def held_by(self, worker: str, lanes: Sequence[str]) -> ScriptCall[list[Claim]]:
        """Read a worker's claims from Redis."""

        def parse(reply: Any) -> list[Claim]:
            parts = zip(*[iter(reply)] * 3, strict=True)
            return [Claim(worker, lane, job_id, number) for lane, job_id, number in parts]

        return ScriptCall(self.scripts, ("held", worker, *lanes), parse)

    def keep(self, job_ids: Sequence[str], *, wanted: bool = True) -> None:
        """Forget none of these jobs, however long ago it ended; or (wanted: False) as usual."""
        self._run("keep", int(wanted), *job_ids)

    def states(self, job_ids: Sequence[str]) -> dict[str, str]:
        """The state of each job that is known."""
        found = self._run("states", json.dumps(STATE_AFTER), *job_ids)
        return {job_id: state for job_id, state in zip(job_ids, found, strict=True) if state}

    def snapshot(self, most: int = 0, whole: int = 0, ids: Sequence[str] = ()) -> Snapshot:
        """Everything at one moment. most: jobs of each list to name; whole: how many of these to
        give with their history. ids: further jobs to tell about."""
        return Snapshot(json.loads(self._run("snapshot", most, whole, *ids), strict=False), ids)


def _text(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.6f}"
