"""A kombu transport that claims jobs instead of popping them.

Kombu's own Redis transport takes a message off its list with BRPOP and records it only
afterwards: a worker killed in between has lost it. Here one Lua step moves the job from the queue
to the worker's claims, so there is no moment at which it is nowhere. While there is nothing to
do, the worker waits at a stream that wakes it when a job arrives; waiting takes nothing.

Who consumes without acknowledging (`celery inspect` for its replies, say) claims nothing and is no
worker. It overrides private methods of kombu 5.6 and 5.7: a canary test names what moved when
kombu moves.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty
from time import monotonic, sleep
from typing import Any, ClassVar, NamedTuple

import redis
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from redis.backoff import NoBackoff
from redis.retry import Retry

from demo_app.broker import worker
from demo_app.broker.address import CONNECTIONS, connection_options, scheme_of
from demo_app.broker.claim import Claimed, Verdict, claimed_by
from demo_app.broker.in_flight import PAUSE, Ending, InFlight
from demo_app.broker.keys import lane_of, lanes_of
from demo_app.broker.options import NAMES, Options
from demo_app.broker.queue import Kind, Queue

log = logging.getLogger(__name__)

#: Seconds between two looks whether a wait for jobs is overdue. With kombu's own 25, a connection
#: that is half-open keeps its worker idle for up to 51 seconds.
OVERDUE_CHECK = 2.0
#: What this process has in flight, for each broker that it uses.
_in_flight: dict[tuple[object, ...], InFlight] = {}
_making = threading.Lock()


class Delivery(NamedTuple):
    """A message on its way to its consumer."""

    tag: str
    payload: dict[str, Any]
    queue: str


class QoS(virtual.QoS):  # type: ignore[misc]
    """What one channel has in hand; how a claim ends is decided in `in_flight`."""

    def __init__(self, channel: Any, prefetch_count: int = 0) -> None:
        super().__init__(channel, prefetch_count)
        # it outlives the channel: one that was closed has no connection any more
        self._in_flight: InFlight = channel.in_flight

    def can_consume(self) -> bool:
        """Whether there is a place for one more message."""
        return not self.prefetch_count or self._in_hand() < self.prefetch_count

    def can_consume_max_estimate(self) -> int | None:
        """How many more messages there is a place for; None when nobody has said how many."""
        if not self.prefetch_count:
            return None
        places: int = self.prefetch_count - self._in_hand()
        return max(places, 0)

    def _in_hand(self) -> int:
        """A worker still runs what it got over a connection that has broken since."""
        if worker.is_celery_worker():
            return len(self._in_flight.held())
        return len(self._delivered) - len(self._dirty)

    def ack(self, delivery_tag: str) -> None:
        """The job has ended: done, unless something else was said of it."""
        self._end(delivery_tag, Ending(Verdict.DONE))

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Put a message at the tail of its queue, so that others have their turn; or aside, if it
        can't be run."""
        if requeue:
            self._end(delivery_tag, Ending(Verdict.REQUEUE_LAST, "given back"))
        else:
            self._end(delivery_tag, Ending(Verdict.DEAD, "rejected"))

    def _end(self, tag: str, ending: Ending) -> None:
        queues = self._queues_to_go_on_with()
        lanes = lanes_of(*queues)
        if threading.current_thread() is threading.main_thread():
            following = self._in_flight.finish_soon(tag, ending, lanes)  # it runs Celery's loop
        else:
            following = self._in_flight.finish(tag, ending, lanes)
        super().ack(tag)
        if following is None:
            worker.look_for_work()
        else:
            self.channel.hand_on(following, queues)

    def _queues_to_go_on_with(self) -> list[str]:
        """The queues to take the next job from, in the step that ends this one.

        None when its place is not free then, or when another part of Celery decides on that.
        """
        asked_by_celery = "can_consume" in vars(self)  # it has put its own in the method's place
        if not worker.goes_on() or asked_by_celery or self._in_hand() > self.prefetch_count:
            return []
        queues: list[str] = self.channel.claimed_queues()
        return queues

    def restore_unacked(self, *_: Any, **__: Any) -> list[Any]:
        """Give back what is in hand, unless this is a Celery worker: its claims stay in Redis,
        whatever becomes of the connection, and its jobs go on."""
        if not worker.is_celery_worker():
            self._flush()
            for tag in reversed(list(self._delivered)):
                self._end(tag, Ending(Verdict.REQUEUE, "its consumer closed"))
        return []

    def restore_unacked_once(self, *_: Any, **__: Any) -> None:
        """The same, when the channel is closed."""
        self.restore_unacked()

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """Nothing to do: a claim has no timeout, its worker has a lease."""


class Channel(kombu_redis.Channel):  # type: ignore[misc]
    """Claims from the queues that its consumers consume."""

    QoS = QoS
    in_flight_class: type[InFlight] = InFlight
    from_transport_options = (*kombu_redis.Channel.from_transport_options, *NAMES)
    body_encoding = "utf-8"  # readable in Redis; the stock transport writes base64
    socket_timeout = socket_connect_timeout = 5.0
    lease_seconds, heartbeat_seconds = Options().lease_seconds, Options().heartbeat_seconds
    max_rescues, poison_pause = Options().max_rescues, Options().poison_pause
    history_length, journal_length = Options().history_length, Options().journal_length
    _claimant = ""
    _woken_at: str | None = None  # where the wake stream was when the queues were empty
    _asked: tuple[str, list[str]] = ("", [])  # the script that was sent, and its queues
    _found_nothing: frozenset[str] = frozenset()  # the scripts that found nothing in this round

    def __init__(self, connection: Any, **options: Any) -> None:
        client = connection.client
        self._url = client.hostname or ""
        self._address = (client.hostname, client.port, client.virtual_host)
        self._found: tuple[int, InFlight] | None = None
        scheme = scheme_of(self._url)
        if scheme and scheme != "sentinel":
            self.connection_class = CONNECTIONS[scheme]
        self._without_ack: set[str] = set()
        super().__init__(connection, **options)

    @property
    def in_flight(self) -> InFlight:
        """What this process has in flight at this channel's broker.

        It outlives the channel: a job is acknowledged when its connection has long been closed.
        """
        if self._found is None or self._found[0] != os.getpid():
            key = (os.getpid(), self.in_flight_class, *self._address, self.global_keyprefix)
            with _making:
                if key not in _in_flight:
                    _in_flight[key] = self._make_in_flight()
                self._found = (os.getpid(), _in_flight[key])
        return self._found[1]

    def _make_in_flight(self) -> InFlight:
        options = Options(**{name: getattr(self, name) for name in NAMES})
        pool = self._get_pool()
        pool.connection_kwargs["decode_responses"] = True
        pool.max_connections = 2**31  # each thread has one of its own; kombu's limit is a channel's
        queue = Queue(redis.Redis(connection_pool=pool), options)
        return self.in_flight_class(queue, options)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        options: dict[str, Any] = super()._connparams(asynchronous=asynchronous)
        if scheme_of(self._url):
            options = connection_options(self._url, options)
        return options

    # -- consuming

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        """Consume from a queue. Only who acknowledges becomes a worker, and claims."""
        if no_ack:
            self._without_ack.add(queue)
        elif queue not in self._fanout_queues:
            self.in_flight.known_tags = worker.known_tags
            self.in_flight.on_given_up = worker.store_failure
            self.in_flight.waiting_tags = worker.waiting_tags
            self.in_flight.work([queue], **worker.info())
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def claimed_queues(self) -> list[str]:
        """The queues that its consumers consume and acknowledge, the one whose turn it is first."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        return [name for name in queues if name not in self._without_ack]

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Send the next command: a claim, or the wait for a job after a claim in vain."""
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
            wait = int((timeout or self.brpop_timeout) * 1000)
            wake = here.queue.keys.named("wake")
            connection.send_command("XREAD", "BLOCK", wait, "STREAMS", wake, self._woken_at)
            self._asked = ("", [])
            return
        name = (open_ones or wanted)[0]
        self._asked = (name, scripts[name])
        self._claimant = here.lease.worker if name != "take" else "no-ack"
        places = self.qos.can_consume_max_estimate() or 1
        lanes = lanes_of(*scripts[name])
        sha = here.queue.scripts.registered(name).sha
        connection.send_command("EVALSHA", sha, 0, self._claimant, places, *lanes)

    def _brpop_read(self, **options: Any) -> bool:
        name, queues = self._asked
        try:
            answer = self._answer(name)
        finally:
            self._in_poll = None
        if not name:  # a job has come, or the wait has ended
            self._woken_at, self._found_nothing = None, frozenset()
            raise Empty
        texts = [_text(part) for part in answer]
        if len(texts) == 1:
            # the first of them: what came between two questions must wake us as well
            self._woken_at = self._woken_at or texts[0]
            self._found_nothing |= {name}
            raise Empty
        self._woken_at, self._found_nothing = None, frozenset()
        claims = claimed_by(self._claimant, texts)
        deliver = [self._take(claimed, queues, tracked=name != "take") for claimed in claims]
        self._hand_on([delivery for delivery in deliver if delivery])
        return True

    def hand_on(self, claimed: Claimed, queues: list[str]) -> None:
        """Give the consumer a job that was claimed when another one ended."""
        delivery = self._take(claimed, queues, tracked=True)
        if delivery is not None:
            self._hand_on([delivery])

    def _take(self, claimed: Claimed, queues: list[str], *, tracked: bool) -> Delivery | None:
        queue = next(name for name in queues if claimed.claim.lane in lanes_of(name))
        self._queue_cycle.rotate(queue)
        here = self.in_flight
        tag = here.track(claimed) if tracked else claimed.claim.id
        if tag is None:
            return None
        try:
            payload = json.loads(claimed.message)
            payload["properties"]["delivery_tag"] = tag
            if claimed.redelivered:
                payload["properties"]["delivery_info"]["redelivered"] = True
                payload.setdefault("headers", {})["redelivered"] = True
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            here.finish_soon(tag, Ending(Verdict.DEAD, f"no message: {error}"))
            return None
        return Delivery(tag, payload, queue)

    def _hand_on(self, deliveries: list[Delivery]) -> None:
        for number, delivery in enumerate(deliveries):
            try:
                self.connection._deliver(delivery.payload, delivery.queue)
            except BaseException:
                for unseen in deliveries[number:]:  # Celery will never run or return these
                    self.in_flight.finish_soon(
                        unseen.tag, Ending(Verdict.REQUEUE, "it could not be handed on")
                    )
                raise

    def _answer(self, name: str) -> Any:
        here = self.in_flight
        try:
            command = "EVALSHA" if name else "XREAD"
            return self.client.parse_response(self.client.connection, command)
        except self.connection_errors:
            self._woken_at, self._found_nothing = None, frozenset()
            self.client.connection.disconnect()
            raise
        except redis.exceptions.NoScriptError:  # Redis was started again
            here.queue.client.script_load(here.queue.scripts.registered(name).script)
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
            raise Empty from None

    def _get(self, queue: str) -> dict[str, Any]:
        """One message at once, for `basic_get`; it is claimed like any other."""
        here = self.in_flight
        here.work([queue], **worker.info())
        taken = here.queue.claim(here.lease.worker, lanes_of(queue))
        for claimed in taken:
            delivery = self._take(claimed, [queue], tracked=True)
            if delivery is not None:
                return delivery.payload
        raise Empty

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        """One message, or None; without acknowledgement it is done at once."""
        message = super().basic_get(queue, no_ack=no_ack, **kwargs)
        if message is not None and no_ack:
            self.in_flight.finish_soon(message.delivery_tag, Ending(Verdict.DONE))
        return message

    # -- publishing

    def encode_body(self, body: Any, encoding: str | None = None) -> tuple[Any, str | None]:
        """Text stays as it is, readable in Redis; bytes (pickle, say) travel as base64."""
        if isinstance(body, bytes):
            return base64.b64encode(body).decode("ascii"), "base64"
        return body, "utf-8"

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        """Enqueue what a producer sends; a task with an ETA waits among the scheduled."""
        headers, properties = message.get("headers") or {}, message["properties"]
        lane = lane_of(queue, self._get_message_priority(message, reverse=False))
        properties["delivery_info"]["lane"] = lane
        by, due = f"{headers.get('origin') or 'producer'}", None
        if headers.get("task") and headers.get("id"):
            kind, name = Kind.JOB, headers["id"]
            eta = headers.get("eta")
            due = None if eta is None else _moment(eta)
        else:
            goes = queue in self.auto_delete_queues or queue.endswith(".pidbox")
            kind, name = Kind.TRANSIENT if goes else Kind.MESSAGE, f"~{uuid.uuid4()}"
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=_plain)
        self.in_flight.queue.publish(text, name, lane, kind=kind, by=by, due=due)

    @property
    def supports_batch_publish(self) -> bool:
        """Each message is one atomic step of its own."""
        return False

    # -- queues

    def _new_queue(self, queue: str, auto_delete: bool = False, **kwargs: Any) -> None:
        super()._new_queue(queue, auto_delete=auto_delete, **kwargs)
        expires = (kwargs.get("arguments") or {}).get("x-expires")
        if expires and not (auto_delete or queue.endswith(".pidbox")):
            log.warning("The queue %s is to expire (x-expires); here it stays", queue)

    def _size(self, queue: str) -> int:
        return self.in_flight.queue.size(lanes_of(queue))

    def _has_queue(self, queue: str, **_: Any) -> bool:
        return self._size(queue) > 0

    def _purge(self, queue: str) -> int:
        return self.in_flight.queue.purge(lanes_of(queue), by="purge")

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kwargs: Any
    ) -> None:
        super()._delete(queue, exchange, routing_key, pattern, *args, **kwargs)
        self.in_flight.queue.delete(lanes_of(queue))


class Transport(kombu_redis.Transport):  # type: ignore[misc]
    """Kombu's Redis transport with the channel above."""

    Channel = Channel
    implements = kombu_redis.Transport.implements.extend(batch_publish=False)
    driver_name = "claims+redis"

    @property
    def supports_batch_publish(self) -> bool:
        """Each message is one atomic step of its own."""
        return False

    def __init__(self, client: Any, **options: Any) -> None:
        if scheme_of(client.hostname) == "sentinel":
            self.Channel, self.default_port = SentinelChannel, 26379
            first, *others = [url.removeprefix("claims+") for url in client.alt or [""]]
            client.alt = [first, *(f"sentinel://{url.rpartition('//')[2]}" for url in others)]
            client.cycle = None  # Sentinel says where to go, not the list of URLs
        chosen = {"health_check_interval": OVERDUE_CHECK, **client.transport_options}
        client.transport_options = chosen
        super().__init__(client, **options)

    def establish_connection(self) -> Any:
        """Connect; a worker waits here until Redis answers.

        Celery would wait between its tries, two seconds, then four, and so on up to thirty.
        """
        working = [one for one in in_flight_here() if one.working and not one.closing]
        while working:
            try:
                working[0].queue.client.ping()
                break
            except redis.exceptions.RedisError:
                worker.maybe_shutdown()  # a SIGTERM ends the wait
                sleep(PAUSE)
        return super().establish_connection()


class SentinelChannel(Channel, kombu_redis.SentinelChannel):  # type: ignore[misc]
    """The same, with Redis' primary found through Sentinel (option ``master_name``)."""

    from_transport_options = (*kombu_redis.SentinelChannel.from_transport_options, *NAMES)
    #: How a Sentinel is asked: when it is away the next one is asked, and it is not asked again.
    sentinel_kwargs: ClassVar[dict[str, Any]] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": 5.0,
        "socket_connect_timeout": 5.0,
    }


def in_flight_here() -> list[InFlight]:
    """What this process has in flight, one for each broker."""
    return [found for key, found in list(_in_flight.items()) if key[0] == os.getpid()]


def _moment(eta: str) -> float:
    """An ETA as seconds since the epoch; one without a time zone is in UTC."""
    moment = datetime.fromisoformat(eta)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _plain(value: Any) -> str:
    """What JSON does not know, in a header, as kombu's own JSON would write it: as text."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _forget_the_parents() -> None:
    """A forked process claims nothing: what is in flight is its parent's."""
    global _making
    _in_flight.clear()
    _making = threading.Lock()


os.register_at_fork(after_in_child=_forget_the_parents)
worker.connect_signals(in_flight_here)
