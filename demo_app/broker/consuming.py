"""The consumer's half of a channel: it claims jobs instead of popping them.

Kombu's own Redis transport takes a message off its list with BRPOP and records it only
afterwards: a worker killed in between has lost it. Here one Lua step moves the job from the queue
to the worker's claims, so there is no moment at which it is nowhere. While there is nothing to
do, the worker waits at a stream that wakes it when a job arrives; waiting takes nothing.

Who does not acknowledge (`celery inspect`, for its replies) claims nothing and is no worker.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from queue import Empty
from time import monotonic
from typing import Any

import kombu
import redis
from kombu.transport import virtual
from kombu.utils.json import loads

from . import process, worker
from .blame import ending_of, passes, reason_of
from .channel import BaseChannel
from .claim import Claimed, Delivery, Disposition, Ending, claimed_by
from .keys import lanes_of
from .message import JOB
from .qos import QoS

log = logging.getLogger(__name__)
#: kombu 5.6 stops polling when a connection is closed.
MAY_END_WAIT = kombu.VERSION >= (5, 7)


class Consuming(BaseChannel):
    """Claims from the queues that its consumers consume."""

    QoS = QoS
    _in_poll: Any
    _woken_at: str | None = None  # where the wake stream was when the queues were empty
    _asked: tuple[str, list[str], str] = ("", [], "")  # what script was sent, its queues, for whom
    _found_nothing: frozenset[str] = frozenset()  # the scripts that found nothing in this round
    _asks_soon = False  # there may be a job soon, though nothing wakes us then

    def __init__(self, connection: Any, **options: Any) -> None:
        self._without_ack: set[str] = set()
        super().__init__(connection, **options)

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        """Consume from a queue. Only who acknowledges becomes a worker, and claims."""
        if no_ack:
            self._without_ack.add(queue)
        elif queue not in self._fanout_queues:
            self.in_flight.waiting_tags = worker.waiting_tags
            self.in_flight.given_up = worker.given_up
            self.in_flight.work([queue], **process.info())
        self._end_wait()  # there may be jobs in this queue
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def close(self) -> None:
        """Close it."""
        self._end_wait()
        super().close()

    def _end_wait(self) -> None:
        """A wait for a job has taken none, and need not be waited for."""
        connection = self._in_poll
        if MAY_END_WAIT and connection and not self._asked[0]:
            connection.disconnect()
            self._in_poll = None
            self._begin_round()

    def claimed_queues(self) -> list[str]:
        """The queues that its consumers consume and acknowledge, the one whose turn it is first."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        return [name for name in queues if name not in self._without_ack]

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Send the next command: a claim, or the wait for a job after a claim that found none."""
        here = self.in_flight
        claimed_from = [] if here.draining else self.claimed_queues()
        queues = self._queue_cycle.consume(len(self.active_queues))
        taken_from = [name for name in queues if name in self._without_ack]
        scripts = {here.claim_script: claimed_from, "take": taken_from}
        wanted = [name for name, found in scripts.items() if found]
        if not wanted:
            return
        connection = self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        open_ones = [name for name in wanted if name not in self._found_nothing]
        if self._woken_at is not None and not open_ones:
            wait = int(1000 * min(timeout or self.brpop_timeout, 1 if self._asks_soon else 60))
            wake = here.queue.keys("wake")
            connection.send_command("XREAD", "BLOCK", wait, "STREAMS", wake, self._woken_at)
            self._asked = ("", [], "")
            return
        name = (open_ones or wanted)[0]
        claimant = here.lease.worker if name != "take" else "no-ack"
        self._asked = (name, scripts[name], claimant)
        places = self.qos.can_consume_max_estimate() or 1
        lanes = lanes_of(*scripts[name])
        sha = here.queue.scripts.registered(name).sha
        connection.send_command("EVALSHA", sha, 0, claimant, places, *lanes)

    def _brpop_read(self, **options: Any) -> bool:
        name, queues, claimant = self._asked
        try:
            answer = self._answer(name)
        finally:
            self._in_poll = None
        if not name:  # a job has come, or the wait has ended
            self._begin_round()
            raise Empty
        texts = [p.decode(errors="substitute") if isinstance(p, bytes) else p for p in answer]
        if len(texts) < 3:
            # the first of them: what came between two questions must wake us as well
            self._woken_at = self._woken_at or texts[0]
            self._found_nothing |= {name}
            self._asks_soon |= len(texts) == 2
            raise Empty
        self._begin_round()
        claims = claimed_by(claimant, texts)
        self.hand_on(claims, queues, tracked=name != "take")
        return True

    def hand_on(self, claims: list[Claimed], queues: list[str], *, tracked: bool = True) -> None:
        """Give the consumer jobs that were claimed from these queues; tracked: see `take_in`."""
        taken = [self.take_in(claimed, queues, tracked=tracked) for claimed in claims]
        self.deliver([delivery for delivery in taken if delivery is not None])

    def deliver(self, deliveries: list[Delivery]) -> None:
        """Give the consumer these."""
        connection = self.connection  # None when the channel has closed while a job ended
        for number, delivery in enumerate(deliveries):
            try:
                if connection is None:
                    raise redis.exceptions.ConnectionError("the channel has closed")
                connection._deliver(delivery.payload, delivery.queue)
            except BaseException as error:
                if not passes(error):  # the next one runs
                    self._put_aside(delivery.tag, error)
                    continue
                for unseen in deliveries[number:]:  # Celery will never run or return these
                    self.in_flight.finish(
                        unseen.tag, Ending(Disposition.REQUEUE, "it could not be handed on")
                    )
                raise

    def _put_aside(self, tag: str, error: BaseException) -> None:
        log.error("A message that can't be handed on: %s", error, exc_info=error)
        self.in_flight.finish(tag, ending_of(error))
        virtual.QoS.ack(self.qos, tag)

    def _receive_one(self, subscribed: Any) -> Any:
        """What another process has told all workers; one that can't be read is dropped."""
        try:
            return super()._receive_one(subscribed)
        except redis.ResponseError as error:  # to a PING: a server with a broken disk refuses it
            log.warning("Redis refuses the broadcasts' connection: %s", error)
            raise Empty from None
        except Exception as error:
            if isinstance(error, Empty) or passes(error):
                raise
            log.error("A broadcast that can't be read is dropped: %s", error, exc_info=error)
            raise Empty from None

    def take_in(self, claimed: Claimed, queues: list[str], *, tracked: bool) -> Delivery | None:
        """Note that a job is held, and make a delivery of it; None when it can't be one.

        tracked: whether it is to be acknowledged.
        """
        queue = next(name for name in queues if claimed.claim.lane in lanes_of(name))
        self._queue_cycle.rotate(queue)
        here = self.in_flight
        tag = here.track(claimed) if tracked else claimed.claim.id
        if tag is None:
            return None
        try:
            # what kombu has marked (a moment, say) becomes what it was; most messages have no mark
            read = loads if '"__type__"' in claimed.message else json.loads
            payload = read(claimed.message)
            payload["properties"] |= {"delivery_tag": tag, JOB: claimed.claim.id}
            if claimed.redelivered:
                payload["properties"]["delivery_info"]["redelivered"] = True
                payload.setdefault("headers", {})["redelivered"] = True
        except Exception as error:
            here.finish(tag, Ending(Disposition.DEAD, f"no message: {reason_of(error)}"))
            return None
        return Delivery(tag, payload, queue)

    def _answer(self, name: str) -> Any:
        here = self.in_flight
        try:
            command = "EVALSHA" if name else "XREAD"
            return self.client.parse_response(self.client.connection, command)
        except self.connection_errors:
            self._begin_round()
            self.client.connection.disconnect()
            raise
        except redis.exceptions.NoScriptError:  # Redis was started again, or is another server
            connection = self.client.connection
            script = here.queue.scripts.registered(name).script
            connection.send_command("SCRIPT", "LOAD", script)
            self.client.parse_response(connection, "SCRIPT LOAD")
            raise Empty from None
        except redis.exceptions.ResponseError as error:
            if str(error).startswith("LEASELOST"):
                with suppress(redis.exceptions.RedisError):  # the heartbeat goes on trying
                    here.lease.renew()
                raise Empty from None
            if not name:
                raise
            # its disk is full, say: ask again when a job comes, or after the wait for it
            log.warning("No claim can be made: %s", error)
            self._woken_at, self._found_nothing = "$", self._found_nothing | {name}
            self._asks_soon = True
            raise Empty from None

    def _begin_round(self) -> None:
        self._woken_at, self._found_nothing, self._asks_soon = None, frozenset(), False
