"""The queue's atomic steps, each one Lua script, as typed Python methods.

Every method is one round trip and one atomic step, unless its docstring says otherwise. All raise
redis.ConnectionError or redis.TimeoutError if the server does not answer, and redis.ResponseError
if it replies with an error. A method that returns a `ScriptCall` does not send it: the
caller does (`ScriptCall.send`), or the heartbeat.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

import redis

from .claim import Claim, Claimed, Disposition, Ended, claimed_by
from .connection import Decoded
from .events import State
from .fold import STATE_AFTER
from .keys import Keys, lists_of
from .lua import ScriptCall, Scripts
from .message import Message, compose, list_in
from .options import DEFAULTS, Options
from .snapshot import Snapshot

#: Limit of the jobs that one call of `purge.lua` or `promote_due.lua` handles.
_AT_ONCE = 500
#: Seconds that a producer waits for replicas.
REPLICAS_WITHIN = 1.0


class Kind(StrEnum):
    """The kinds of messages; see `enqueue.lua`."""

    ONCE = "once"
    JOB = "job"
    NEXT_TRY = "next try"
    MESSAGE = "message"
    TRANSIENT = "transient"


class Queue:
    """The queue in one Redis server.

    Attributes:
        suspected: True if the last `rescue` found an expired lease, so that the next one may find
            a dead worker.
        refused_writes: number of writes that Redis has refused; 0 if all of them came before the
            last rewrite of its append-only file. `rescue` sets this attribute.
    """

    def __init__(self, client: redis.Redis, options: Options = DEFAULTS) -> None:
        self.client, self.options = client, options
        self.keys = Keys(options.global_keyprefix)
        self.scripts = Scripts(client, options)
        self._run = self.scripts.run
        # Redis' clock, our monotonic clock and our wall clock at the last check for dead workers
        self._clock: tuple[float, float, float] | None = None
        self.suspected, self.refused_writes = False, 0

    def enqueue(self, message: Message, *, by: str = "", due: float | None = None) -> bool:
        """Enqueue one job. Return False if its id is known already.

        Args:
            by: the producer, for the history.
            due: when the job may run (seconds since the epoch); None for now.
        """
        return bool(self.enqueue_many([(message, due)], by=by))

    def publish(
        self,
        text: str,
        job_id: str,
        list_name: str,
        *,
        kind: Kind,
        by: str = "",
        due: float | None = None,
    ) -> None:
        """Enqueue a message as its producer wrote it.

        With the option `wait_for_replicas`, also wait until enough replicas have the job, in a
        second round trip. This applies only to the kinds JOB and NEXT_TRY.

        Args:
            text: the message (JSON).
            job_id: the job's id in Redis.
            kind: see `enqueue.lua`.
            by, due: see `enqueue`.

        Raises:
            redis.TimeoutError: too few replicas have the job in time. The job is enqueued
                nevertheless, and publishing the same message again does not enqueue a second one.
        """
        self._run("enqueue", by, time.time(), job_id, list_name, _text(due), kind, text)
        number = self.options.wait_for_replicas
        if not number or kind not in (Kind.JOB, Kind.NEXT_TRY):
            return
        pipe = self.client.pipeline(transaction=False)
        # WAIT covers only writes of its own connection. The job was sent over another connection:
        # write a key here, since a replica that has the key also has the job.
        pipe.set(self.keys("replicated"), "", px=1000)
        pipe.wait(number, int(1000 * REPLICAS_WITHIN))
        _, found = pipe.execute()
        if found < number:
            raise redis.exceptions.TimeoutError(
                f"The job is in Redis, but after {REPLICAS_WITHIN:g} s only {found} of {number} "
                "replicas have it."
            )

    def purge(self, lists: Sequence[str], *, by: str) -> int:
        """Discard all queued jobs of these lists, in batches. Return their number."""
        purged = 0
        while batch := int(self._run("purge", by, _AT_ONCE, *lists)):
            purged += batch
        return purged

    def purge_due_later(self, lists: Sequence[str], *, by: str) -> int:
        """Discard these lists' scheduled and retrying jobs, one by one. Return their number."""
        found = (job_id for job_id, _, text in self.due_later() if list_in(text) in lists)
        return sum(self.decide(job_id, "discard", by=by) != "" for job_id in found)

    def due_later(self) -> Iterator[tuple[str, float, str]]:
        """Yield the id, the due time (epoch) and the message of each scheduled or retrying job.

        The message is "" if another program has deleted it. Each message takes a round trip.
        """
        client: Decoded = self.client
        for state in (State.SCHEDULED, State.RETRYING):
            for job_id, due in client.zrange(self.keys(state), 0, -1, withscores=True):
                yield job_id, due, client.lindex(self.keys("job", job_id), 0) or ""

    def size(self, lists: Sequence[str]) -> int:
        """Return the number of messages in these lists. The lists are not read atomically."""
        pipe = self.client.pipeline(transaction=False)
        for list_name in lists:
            pipe.llen(self.keys("queue", list_name))
        return sum(map(int, pipe.execute()))

    def enqueue_many(
        self, messages: Iterable[tuple[Message, float | None]], *, by: str = ""
    ) -> int:
        """Enqueue jobs in their order, except jobs with known ids. Return the number of new jobs.

        Args:
            messages: each job, and when it may run (seconds since the epoch); None for now.
            by: the producer, for the history.
        """
        entries = [
            part
            for message, due in messages
            for part in (message.id, message.list_name, _text(due), Kind.ONCE, compose(message))
        ]
        return int(self._run("enqueue", by, time.time(), *entries)) if entries else 0

    def claim(self, worker: str, lists: Sequence[str], limit: int = 1) -> list[Claimed]:
        """Claim up to `limit` jobs, each from the first list that has one.

        Raises:
            redis.ResponseError: begins with LEASELOST if the worker is not registered.
        """
        return claimed_by(worker, self._run("claim", worker, limit, *lists))

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
        """End a claim, and claim the next job in the same step.

        Args:
            how, detail, after, message, needs: see `Ending`.
            next_for: the worker and the lists for the next claim, or None to claim nothing.
        """
        taking = () if next_for is None else (next_for[0], *next_for[1])
        held = (claim.worker, claim.list_name, claim.id, claim.number)
        ending = (how, detail, f"{after or 0.0:.6f}", message, self.options.max_rescues, needs)
        in_time, *taken = self._run("finish", *held, *ending, *taking)
        following = claimed_by(taking[0], taken)[0] if taken else None
        return Ended(bool(in_time), following)

    def register(self, worker: str, lease_ms: int, info: str, *, instead_of: str = "") -> None:
        """Register a worker before its first claim.

        Args:
            worker: the worker's name. After it was declared dead, a worker registers under a new
                name, which begins a new epoch (see `lease.py`).
            lease_ms: length of the lease (milliseconds).
            info: JSON about the worker, for pages and reports.
            instead_of: the worker's previous name, if it was declared dead; "" for none.
        """
        self._run("register", worker, lease_ms, info, instead_of)

    def beat(
        self, worker: str, lease_ms: int, info: str, waiting: Iterable[str] = ()
    ) -> ScriptCall[bool]:
        """Renew a lease. The result is False if the worker was declared dead meanwhile.

        Args:
            info: JSON about the worker, for pages and reports.
            waiting: ids of the worker's claimed jobs that have not begun.
        """
        return ScriptCall(self.scripts, ("beat", worker, lease_ms, info, *waiting), bool)

    def begin(self, worker: str, job_ids: Iterable[str]) -> None:
        """Record that a worker begins jobs that its heartbeat has listed as waiting."""
        self._run("begin", worker, *job_ids)

    def deregister(self, worker: str) -> int:
        """Deregister a worker and requeue its claimed jobs. Return their number."""
        return int(self._run("deregister", worker))

    def rescue(
        self, by: str, lease_ms: int, limit: int, *, beat_ms: int = 500, connected: float = 1e9
    ) -> ScriptCall[list[str]]:
        """Requeue the jobs of dead workers. The result is the ids of these jobs.

        A worker is dead if two checks, about a heartbeat apart, found its lease expired. Parsing
        the reply sets `suspected` and `refused_writes`.

        Args:
            by: the worker that checks.
            lease_ms: length of this worker's lease (milliseconds).
            limit: limit of the deaths that one job may cause. Above it, the job is poison.
            beat_ms: this worker's heartbeat interval (milliseconds).
            connected: duration of this worker's present connection to Redis (seconds).
        """
        sent, wall = time.monotonic(), time.time()
        # our monotonic clock shows whether the clock of Redis, which ends leases, was set forward
        last_look: tuple[str, ...] = ()
        if self._clock is not None:
            then, own_then, wall_then = self._clock
            last_look = _text(then), _text(sent - own_then), _text(wall - wall_then)

        def parse(reply: Any) -> list[str]:
            now, suspected, refused, *moved = reply
            self._clock, self.suspected = (float(now), sent, wall), int(suspected) > 0
            self.refused_writes = int(refused)
            return list(moved)

        call = "rescue", by, lease_ms, beat_ms, limit, _text(connected), *last_look
        return ScriptCall(self.scripts, call, parse)

    def dead_messages(self, job_ids: Sequence[str]) -> list[str]:
        """Return the messages of the dead jobs among these jobs."""
        pipe = self.client.pipeline(transaction=True)
        for job_id in job_ids:
            pipe.zscore(self.keys("dead"), job_id)
            pipe.lindex(self.keys("job", job_id), 0)
        replies = pipe.execute()
        pairs = zip(replies[::2], replies[1::2], strict=True)
        return [message for dead, message in pairs if dead is not None and message]

    def promote_due(self, by: str) -> ScriptCall[tuple[int, float | None]]:
        """Move due jobs into their queues.

        The result is the number of moved jobs, and the seconds until the next job is due, or None
        if no job is scheduled or retrying.
        """

        def parse(reply: Any) -> tuple[int, float | None]:
            moved, soonest = reply
            return int(moved), float(soonest) if soonest else None

        return ScriptCall(self.scripts, ("promote_due", by, _AT_ONCE), parse)

    def decide(self, job_id: str, what: str, *, by: str) -> str:
        """Enqueue, discard or delete a scheduled, retrying or dead job, as a person has decided.

        Args:
            what: the decision.
                "retry" enqueues the job at the tail of its queue.
                "discard" discards the job.
                "delete" discards the job, also if it is queued.
                "moved" deletes the job, also if it is queued, since it was moved to another broker.
            by: the author of the decision, for the history.

        Returns:
            The job's state before the change; "" if nothing was changed.
        """
        return str(self._run("decide", job_id, what, by))

    def pause(self, worker: str, paused: bool) -> bool:
        """Pause or resume a worker. A paused worker does not claim jobs.

        Returns:
            False if the worker is unknown.
        """
        return bool(self._run("pause", "worker", worker, int(paused), worker))

    def pause_queue(self, queue: str, paused: bool) -> None:
        """Pause or resume a queue. Workers do not claim jobs from a paused queue.

        Running jobs go on.
        """
        lists = (f"queue:{list_name}" for list_name in lists_of(queue))
        self._run("pause", "queue", queue, int(paused), *lists)

    def held_by(self, worker: str, lists: Sequence[str]) -> ScriptCall[list[Claim]]:
        """Read a worker's claims in these lists.

        The script also pushes missing tokens, which wake workers for queued jobs (see `held.lua`).
        """

        def parse(reply: Any) -> list[Claim]:
            parts = zip(*[iter(reply)] * 3, strict=True)
            return [Claim(worker, list_name, job_id, number) for list_name, job_id, number in parts]

        return ScriptCall(self.scripts, ("held", worker, *lists), parse)

    def keep(self, job_ids: Sequence[str], *, kept: bool = True) -> None:
        """Exempt these jobs from the limits of the history; kept=False ends the exemption."""
        self._run("keep", int(kept), *job_ids)

    def states(self, job_ids: Sequence[str]) -> dict[str, str]:
        found = self._run("states", json.dumps(STATE_AFTER), *job_ids)
        return {job_id: state for job_id, state in zip(job_ids, found, strict=True) if state}

    def snapshot(self, limit: int = 0, with_history: int = 0, ids: Sequence[str] = ()) -> Snapshot:
        """Return a consistent snapshot of the whole queue.

        Args:
            limit: maximum number of ids from each list (the next to run first), and from each
                worker's claims in that list.
            with_history: maximum number of these ids, per list, whose whole history is returned
                too.
            ids: further jobs to look up.
        """
        reply = self._run("snapshot", limit, with_history, *ids)
        return Snapshot(json.loads(reply, strict=False), ids)


def _text(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.6f}"
