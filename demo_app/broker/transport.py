"""A kombu transport that claims jobs instead of popping them.

Kombu's own Redis transport takes a message off its list with BRPOP and records it only
afterwards: a worker killed in between has lost it. Here one Lua step moves the job from the queue
to the worker's claims, so there is no moment at which it is nowhere. While there is nothing to
do, the worker waits at a stream that rings when a job arrives; waiting takes nothing.

It is chosen by the scheme of Celery's ``broker_url`` (``claims://`` in place of ``redis://``), and
nothing else of Celery is replaced. It overrides private methods of kombu 5.7: a canary test
names what moved when kombu moves.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from datetime import datetime
from queue import Empty
from time import monotonic, sleep
from typing import Any, NamedTuple

import redis
from celery.worker.state import maybe_shutdown
from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.transport import redis as kombu_redis

from demo_app.broker.claim import Claimed, Verdict, claimed_by
from demo_app.broker.connection import client_url
from demo_app.broker.in_flight import PAUSE, in_flight
from demo_app.broker.message import lanes_of, parse, queue_of, read

log = logging.getLogger(__name__)

TRANSPORT_ALIASES["claims"] = "demo_app.broker.transport:Transport"


class Delivery(NamedTuple):
    """A message on its way to Celery."""

    tag: str
    payload: dict[str, Any]
    queue: str


class QoS(virtual.QoS):  # type: ignore[misc]
    """What one Celery connection has in hand; how a claim ends is decided in `claims`."""

    restore_at_shutdown = False

    def ack(self, delivery_tag: str) -> None:
        """Free the place; a message that Celery drops without running it is discarded."""
        in_flight().finish(delivery_tag, Verdict.DISCARD, detail="Celery dropped it unrun")
        super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Give a message back to the head of its queue, or put one that can't be run aside."""
        if requeue:
            in_flight().finish(delivery_tag, Verdict.REQUEUE, detail="given back")
        else:
            in_flight().finish(delivery_tag, Verdict.DEAD, detail="Celery can't run it")
        super().ack(delivery_tag)

    def restore_unacked(self, *_: Any, **__: Any) -> list[Any]:
        """Nothing to do: the claims are in Redis, whatever becomes of the connection."""
        return []

    restore_unacked_once = restore_unacked

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """Nothing to do: a claim has no timeout, its worker has a lease."""


class Channel(kombu_redis.Channel):  # type: ignore[misc]
    """InFlight from several queues in the order in which they are given."""

    QoS = QoS
    body_encoding = "utf-8"  # readable in Redis; the stock transport writes base64
    _claimant = ""
    _woken_at: str | None = None  # where the wake stream stood when the queues were empty

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Send the next command: a claim, or the wait for the bell after a claim in vain."""
        if not self.active_queues or in_flight().draining:
            return
        connection = self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        if self._woken_at is None:
            here = in_flight()
            script = here.store.scripts.registered(here.taking)
            self._claimant = here.lease.worker
            places = self.qos.can_consume_max_estimate() or 1
            connection.send_command("EVALSHA", script.sha, 0, self._claimant, places, *here.lanes)
        else:
            wait = int((timeout or self.brpop_timeout) * 1000)
            connection.send_command("XREAD", "BLOCK", wait, "STREAMS", "wake", self._woken_at)

    def _brpop_read(self, **options: Any) -> bool:
        try:
            answer = self._answer()
        finally:
            self._in_poll = None
        if self._woken_at is not None:  # the bell, or the end of the wait
            self._woken_at = None
            raise Empty
        texts = [_text(part) for part in answer]
        if len(texts) == 1:
            self._woken_at = texts[0]
            raise Empty
        taken = [self._take(claimed) for claimed in claimed_by(self._claimant, texts)]
        self._hand_on([delivery for delivery in taken if delivery])
        return True

    def _take(self, claimed: Claimed) -> Delivery | None:
        try:
            payload = json.loads(claimed.message)
            message = read(payload)
        except ValueError as error:
            in_flight().store.finish(claimed.claim, Verdict.DEAD, detail=str(error))
            return None
        tag = in_flight().took(claimed.claim, message)
        payload["properties"]["delivery_tag"] = tag
        # `run` takes the arguments from the claim: Celery need not decode them twice more
        payload["body"] = "[[],{},{}]"
        return Delivery(tag, payload, queue_of(claimed.claim.lane))

    def _hand_on(self, deliveries: list[Delivery]) -> None:
        for number, delivery in enumerate(deliveries):
            try:
                self.connection._deliver(delivery.payload, delivery.queue)
            except BaseException:
                for unseen in deliveries[number:]:  # Celery will never run or return these
                    in_flight().finish(unseen.tag, Verdict.REQUEUE, detail="Celery stumbled")
                raise

    def _answer(self) -> Any:
        try:
            return self.client.parse_response(self.client.connection, "EVALSHA")
        except self.connection_errors:
            self._woken_at = None
            self.client.connection.disconnect()
            raise
        except redis.exceptions.NoScriptError:  # Redis was started again
            here = in_flight()
            here.store.client.script_load(here.store.scripts.registered(here.taking).script)
            raise Empty from None
        except redis.exceptions.ResponseError as error:
            if str(error).startswith("LEASELOST"):
                with suppress(redis.exceptions.RedisError):  # the keeper goes on trying
                    in_flight().lease.renew()
                raise Empty from None
            if self._woken_at is not None:
                raise
            # its disk is full, say: ask again after the next bell, or the end of the wait for it
            log.warning("No claim can be made: %s", error)
            self._woken_at = "$"
            raise Empty from None

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        """Enqueue what a Celery producer sends; an ETA becomes a place among the scheduled."""
        eta = message["headers"].get("eta")
        due = None if eta is None else datetime.fromisoformat(eta).timestamp()
        in_flight().store.enqueue(parse(kombu_redis.dumps(message)), by="celery", due=due)

    def _size(self, queue: str) -> int:
        client = in_flight().store.client
        return sum(int(client.llen(f"queue:{lane}")) for lane in lanes_of(queue))

    def _lookup(self, exchange: str, routing_key: str, default: str | None = None) -> list[str]:
        return [routing_key or exchange]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """A queue's name is its address; only a broadcast needs to be written down."""
        if self.typeof(exchange).type == "fanout":
            super()._queue_bind(exchange, routing_key, pattern, queue)

    def maybe_refresh_binding_expiry(self) -> None:
        """Nothing to refresh."""


class Transport(kombu_redis.Transport):  # type: ignore[misc]
    """Kombu's Redis transport with the channel above."""

    Channel = Channel
    # not "redis", which would tell Celery to look for other workers with broadcasts
    driver_type = "claims"

    def establish_connection(self) -> Any:
        """Connect; a worker waits here until Redis answers.

        Celery would wait between its tries, two seconds, then four, and so on up to thirty.
        """
        here = in_flight()
        while here.working:
            try:
                here.store.client.ping()
                break
            except redis.exceptions.RedisError:
                maybe_shutdown()  # a SIGTERM ends the wait
                sleep(PAUSE)
        return super().establish_connection()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def broker_url(redis_url: str) -> str:
    """The URL for Celery that leads to the same Redis server through this transport."""
    scheme, _, rest = client_url(redis_url).partition("://")
    return f"claims+socket://{rest}" if scheme == "unix" else f"claims://{rest}"
