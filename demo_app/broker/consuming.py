"""The consumer's half of a channel: it claims jobs instead of popping them.

Kombu's own Redis transport takes a message off its list with BRPOP and records it only
afterwards: a worker killed in between has lost it. Here one Lua step moves the job from the queue
to the worker's claims, so there is no moment at which it is nowhere. While there is nothing to
do, the worker waits for a token; waiting takes no job. `turns` decides what is sent next.

A consumer without acknowledgement (such as `celery inspect`) claims nothing and is not registered
as a worker.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
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
from .turns import Claiming, Reason, Turns, Waiting

log = logging.getLogger(__name__)
#: kombu 5.6 stops polling when a connection is closed.
MAY_END_WAIT = kombu.VERSION >= (5, 7)
#: The script for consumers that do not acknowledge.
TAKE = "take"


class Consuming(BaseChannel):
    """Claims from the queues that its consumers consume."""

    QoS = QoS
    _in_poll: Any
    _sent: Claiming | Waiting | None = None  # the command whose reply has not arrived yet
    _claimant = ""  # for whom it was sent

    def __init__(self, connection: Any, **options: Any) -> None:
        self._without_ack: set[str] = set()
        self._turns = Turns()
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
        """End a wait without its reply: it has taken no job."""
        connection = self._in_poll
        if MAY_END_WAIT and connection and isinstance(self._sent, Waiting):
            connection.disconnect()
            self._in_poll = None
            self._turns.begin()

    def claimed_queues(self) -> list[str]:
        """The queues that its consumers consume and acknowledge, the one whose turn it is first."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        return [name for name in queues if name not in self._without_ack]

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Send the next command: a claim, or the wait for a token."""
        here = self.in_flight
        queues = self._queue_cycle.consume(len(self.active_queues))
        scripts = {
            here.claim_script: [] if here.draining else self.claimed_queues(),
            TAKE: [name for name in queues if name in self._without_ack],
        }
        command = self._turns.next_command(scripts, timeout or self.brpop_timeout)
        if command is None:
            return
        connection = self._in_poll = self.client.connection
        self._brpop_sent_at, self._sent = monotonic(), command
        lanes = lanes_of(*command.queues)
        if isinstance(command, Waiting):
            keys = here.queue.keys
            tokens = [keys("wake", lane) for lane in lanes]
            resumed = keys("resume", here.lease.worker)
            connection.send_command("BLPOP", resumed, *tokens, command.seconds)
            return
        self._claimant = "no-ack" if command.script == TAKE else here.lease.worker
        places = self.qos.can_consume_max_estimate() or 1
        sha = here.queue.scripts.registered(command.script).sha
        connection.send_command("EVALSHA", sha, 0, self._claimant, places, *lanes)

    def _brpop_read(self, **options: Any) -> bool:
        sent = self._sent
        try:
            answer = self._answer()
        finally:
            self._in_poll = None
        if not isinstance(sent, Claiming):  # a token has come, or the wait has ended
            self._turns.begin()
            raise Empty
        texts = [p.decode(errors="substitute") if isinstance(p, bytes) else p for p in answer]
        if not self._turns.replied(sent.script, texts):
            raise Empty
        claims = claimed_by(self._claimant, texts)
        self.hand_on(claims, sent.queues, tracked=sent.script != TAKE)
        return True

    def hand_on(
        self, claims: list[Claimed], queues: Sequence[str], *, tracked: bool = True
    ) -> None:
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

    def take_in(self, claimed: Claimed, queues: Sequence[str], *, tracked: bool) -> Delivery | None:
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

    def _answer(self) -> Any:
        here, script = self.in_flight, ""
        if isinstance(self._sent, Claiming):
            script = self._sent.script
        try:
            command = "EVALSHA" if script else "BLPOP"
            return self.client.parse_response(self.client.connection, command)
        except self.connection_errors:
            self._turns.begin()
            self.client.connection.disconnect()
            raise
        except redis.exceptions.NoScriptError:  # Redis was started again, or is another server
            connection = self.client.connection
            connection.send_command("SCRIPT", "LOAD", here.queue.scripts.registered(script).script)
            self.client.parse_response(connection, "SCRIPT LOAD")
            raise Empty from None
        except redis.exceptions.ResponseError as error:
            if str(error).startswith("LEASELOST"):
                with suppress(redis.exceptions.RedisError):  # the heartbeat goes on trying
                    here.lease.renew()
                raise Empty from None
            if not script:
                raise
            # its disk is full, say: ask again when a job comes, or after the wait for it
            log.warning("No claim can be made: %s", error)
            self._turns.nothing(script, Reason.SOON)
            raise Empty from None
