"""A kombu channel that enqueues and claims each job in one atomic step.

Kombu's own Redis transport takes a message off its list with BRPOP and records it afterwards. If
the worker is killed in between, the message is lost. Here one Lua script moves the job from the
queue to the worker's claims, so that the job is always in one of these places. While its queues are
empty, the worker waits for a token, which announces a job. The wait does not remove the job from
its queue. `consumer_state` decides whether the worker claims or waits.

A consumer without acknowledgement (such as `celery inspect`) does not keep claims and is not
registered as a worker: a message counts as done as soon as the consumer takes it (`take.lua`).
"""

import base64
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty
from time import monotonic, sleep
from typing import Any

import kombu
import redis
from celery import current_task
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from kombu.utils.json import JSONEncoder, loads

from . import process, worker
from .claim import Claimed, Delivery, Disposition, Ending, claimed_by
from .connection import AS_TEXT, CONNECTIONS, WITH_TLS, connection_options, scheme_of
from .consumer_state import Claiming, ConsumerState, Reason, Waiting
from .error_kinds import ending_of, is_temporary, reason_of
from .in_flight import PAUSE, InFlight
from .keys import list_of, lists_of
from .message import JOB, is_job
from .options import DEFAULTS, NAMES, Options
from .qos import QoS
from .queue import Kind, Queue
from .throttled_log import ThrottledLog

log = logging.getLogger(__name__)

#: True if a wait for jobs may be ended by closing its connection. Kombu 5.6 would not poll again.
MAY_END_WAIT = kombu.VERSION >= (5, 7)
#: The script for consumers without acknowledgement.
TAKE = "take"
#: Seconds between two checks of the connection that waits for jobs, unless the app sets
#: `health_check_interval`. With kombu's 25 s, half-open connections go unnoticed for a minute.
OVERDUE_CHECK = 2.0
#: Seconds of silence before a PING on a connection, unless the app sets `health_check_interval`.
SILENCE = 16.0
#: Types without a form in JSON, such as `datetime`, are encoded as in kombu.
_dumps = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
#: A script that adds a member to a set even if Redis is full (`maxmemory`).
_ADD_THOUGH_FULL = "#!lua flags=allow-oom\nreturn redis.call('SADD', KEYS[1], ARGV[1])"


class _Tag(str):
    """A delivery tag from this process. A message with such a tag was already published once."""

    __slots__ = ()


class Channel(kombu_redis.Channel):  # type: ignore[misc]
    """A channel that enqueues and claims in atomic steps."""

    supports_batch_publish = False
    # the length of a lease: after a longer silence of Redis the lease has expired anyway
    socket_timeout = socket_connect_timeout = DEFAULTS.lease_seconds
    health_check_interval = OVERDUE_CHECK
    QoS = QoS
    _in_poll: Any
    _sent: Claiming | Waiting | None = None  # the command whose reply has not arrived yet
    _claimant = ""  # the worker for which `_sent` claims jobs

    def __init__(self, connection: Any, **options: Any) -> None:
        client = connection.client
        self._url = client.hostname or ""
        self._without_ack: set[str] = set()
        self._consumer_state, self._throttled = ConsumerState(), ThrottledLog()
        scheme = scheme_of(self._url) or "redis"
        self.connection_class = CONNECTIONS[scheme]
        self.connection_class_ssl = WITH_TLS.get(scheme, WITH_TLS["redis"])
        super().__init__(connection, **options)
        server = (client.hostname, client.port, client.virtual_host)
        group = client.transport_options.get("master_name")  # some Sentinels watch several groups
        self._broker = (connection.in_flight_class, *server, group, self.global_keyprefix)

    @property
    def in_flight(self) -> InFlight:
        """The jobs in flight of this process at this broker.

        They outlive the channel: a job may be acknowledged long after its connection has closed.
        """
        return process.in_flight_at(self._broker, self._make_in_flight)

    def _make_in_flight(self) -> InFlight:
        chosen = self.connection.client.transport_options
        options = Options(**{name: chosen[name] for name in NAMES if name in chosen})
        pool = self._get_pool()
        pool.connection_kwargs |= AS_TEXT
        # lift kombu's limit, which is for one channel: `lua` limits its own connections
        pool.max_connections = 2**31
        queue = Queue(redis.Redis(connection_pool=pool), options)
        kind: type[InFlight] = self.connection.in_flight_class
        return kind(queue, worker.waiting_tags, worker.store_failures)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        options: dict[str, Any] = super()._connparams(asynchronous=asynchronous)
        if scheme_of(self._url):
            options = connection_options(self._url, options)
        chosen = self.connection.client.transport_options
        # kombu 5.6 drops this option, although the newer classes of redis-py accept it
        interval = chosen.get("health_check_interval", SILENCE)
        return {**options, "health_check_interval": interval}

    def encode_body(self, body: Any, encoding: str | None = None) -> tuple[Any, str | None]:
        if isinstance(body, bytes):
            return base64.b64encode(body).decode("ascii"), "base64"
        return body, "utf-8"  # readable in Redis; kombu's own transport writes base64

    def _inplace_augment_message(
        self, message: dict[str, Any], exchange: str, routing_key: str
    ) -> None:
        """Give the message a new delivery tag, unless this process has published it before.

        Kombu publishes a message again after a lost reply. `enqueue.lua` recognises the repeated
        message by its tag.
        """
        tag = message["properties"].get("delivery_tag")
        super()._inplace_augment_message(message, exchange, routing_key)
        own = tag if isinstance(tag, _Tag) else _Tag(message["properties"]["delivery_tag"])
        message["properties"]["delivery_tag"] = own

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        headers, properties = message.get("headers") or {}, message["properties"]
        list_name = list_of(queue, self._get_message_priority(message, reverse=False))
        properties["delivery_info"]["list"] = list_name
        by, due = f"{headers.get('origin') or 'producer'}", None
        if is_job(headers):
            running = _retried_job(headers)
            kind, name = (Kind.NEXT_TRY, running) if running else (Kind.JOB, headers["id"])
            eta = headers.get("eta")
            due = None if eta is None else _moment(eta)
        else:
            goes = queue in self.auto_delete_queues or queue.endswith(".pidbox")
            kind = Kind.TRANSIENT if goes else Kind.MESSAGE
            name = f"~{properties['delivery_tag']}/{list_name}"
        text = _dumps(message)
        self.in_flight.queue.publish(text, name, list_name, kind=kind, by=by, due=due)

    def _new_queue(self, queue: str, auto_delete: bool = False, **kwargs: Any) -> None:
        super()._new_queue(queue, auto_delete=auto_delete, **kwargs)
        expires = (kwargs.get("arguments") or {}).get("x-expires")
        if expires and not (auto_delete or queue.endswith(".pidbox")):
            log.warning("The claims broker ignores x-expires of the queue %s", queue)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Bind a queue to an exchange, even if Redis is full.

        Otherwise workers could not start on a full Redis, and no job could free memory.
        """
        try:
            super()._queue_bind(exchange, routing_key, pattern, queue)
        except redis.exceptions.OutOfMemoryError:
            store = self.in_flight.queue
            key = store.keys(self.keyprefix_queue % exchange)
            member = self.sep.join([routing_key or "", pattern or "", queue or ""])
            store.client.eval(_ADD_THOUGH_FULL, 1, key, member)

    def _size(self, queue: str) -> int:
        return self.in_flight.queue.size(lists_of(queue))

    def _has_queue(self, queue: str, **_: Any) -> bool:
        return self._size(queue) > 0

    def _purge(self, queue: str) -> int:
        store, lists = self.in_flight.queue, lists_of(queue)
        return store.purge(lists, by="purge") + store.purge_due_later(lists, by="purge")

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kwargs: Any
    ) -> None:
        super()._delete(queue, exchange, routing_key, pattern, *args, **kwargs)
        # Keep jobs that are due later: finding them would mean reading every scheduled and retrying
        # job, and Celery deletes a queue after each reply to `inspect`.
        self.in_flight.queue.purge(lists_of(queue), by="deleted")

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        if no_ack:
            self._without_ack.add(queue)
        elif queue not in self._fanout_queues:
            self.in_flight.work([queue], **process.info())
        self._end_wait()  # jobs may wait in this queue already
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def close(self) -> None:
        self._end_wait()
        super().close()

    def _end_wait(self) -> None:
        # a wait does not remove a job from a queue, so its reply may be discarded
        connection = self._in_poll
        if MAY_END_WAIT and connection and isinstance(self._sent, Waiting):
            connection.disconnect()
            self._in_poll = None
            self._consumer_state.begin()

    def claimed_queues(self) -> list[str]:
        """Return the queues whose consumers acknowledge, in the present order of the rotation."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        return [name for name in queues if name not in self._without_ack]

    def _brpop_start(self, timeout: float | None = None) -> None:
        here = self.in_flight
        queues = self._queue_cycle.consume(len(self.active_queues))
        scripts = {
            here.claim_script: [] if here.draining else self.claimed_queues(),
            TAKE: [name for name in queues if name in self._without_ack],
        }
        command = self._consumer_state.next_command(scripts, timeout or self.brpop_timeout)
        if command is None:
            return
        connection = self._in_poll = self.client.connection
        self._brpop_sent_at, self._sent = monotonic(), command
        lists = lists_of(*command.queues)
        if isinstance(command, Waiting):
            keys = here.queue.keys
            tokens = [keys("wake", list_name) for list_name in lists]
            resumed = keys("resume", here.lease.worker)
            connection.send_command("BLPOP", resumed, *tokens, command.seconds)
            return
        self._claimant = "no-ack" if command.script == TAKE else here.lease.worker
        places = self.qos.can_consume_max_estimate() or 1
        sha = here.queue.scripts.registered(command.script).sha
        connection.send_command("EVALSHA", sha, 0, self._claimant, places, *lists)

    def _brpop_read(self, **options: Any) -> bool:
        sent = self._sent
        try:
            answer = self._answer()
        finally:
            self._in_poll = None
        if not isinstance(sent, Claiming):  # a token has arrived, or the wait has timed out
            self._consumer_state.begin()
            raise Empty
        texts = [p.decode(errors="substitute") if isinstance(p, bytes) else p for p in answer]
        if not self._consumer_state.replied(sent.script, texts):
            raise Empty
        claims = claimed_by(self._claimant, texts)
        self.deliver_claims(claims, sent.queues, tracked=sent.script != TAKE)
        return True

    def deliver_claims(
        self, claims: list[Claimed], queues: Sequence[str], *, tracked: bool = True
    ) -> None:
        """Deliver claimed jobs to their consumers.

        If a job's message or this worker is the cause of an error, end the job's claim and deliver
        the next job. After a temporary error (see `is_temporary`), requeue this job and the jobs
        after it, and raise the error.

        Args:
            queues: each job was claimed from one of these queues.
            tracked: False for jobs of a consumer without acknowledgement.
        """
        taken = (self.register_claim(claimed, queues, tracked=tracked) for claimed in claims)
        deliveries = [delivery for delivery in taken if delivery]
        connection = self.connection  # None if the channel has been closed meanwhile
        for number, delivery in enumerate(deliveries):
            try:
                if connection is None:
                    raise redis.exceptions.ConnectionError("the channel has closed")
                connection._deliver(delivery.payload, delivery.queue)
            except BaseException as error:
                if not is_temporary(error):  # continue with the next message
                    log.error("A message can't be delivered: %s", error, exc_info=error)
                    self.in_flight.finish(delivery.tag, ending_of(error))
                    virtual.QoS.ack(self.qos, delivery.tag)
                    continue
                # Requeue these jobs, since Celery will neither run nor reject them. Each goes to
                # the head of its queue, so begin with the newest and end with the oldest.
                requeued = Ending(Disposition.REQUEUE, "it could not be delivered")
                for unseen in reversed(deliveries[number:]):
                    self.in_flight.finish(unseen.tag, requeued)
                raise

    def _receive_one(self, subscribed: Any) -> Any:
        try:
            return super()._receive_one(subscribed)
        except redis.ResponseError as error:  # a server with a broken disk refuses a PING
            log.warning("Redis refuses the broadcasts' connection: %s", error)
            raise Empty from None
        except Exception as error:
            if isinstance(error, Empty) or is_temporary(error):
                raise
            log.error("A malformed broadcast is dropped: %s", error, exc_info=error)
            raise Empty from None

    def register_claim(
        self, claimed: Claimed, queues: Sequence[str], *, tracked: bool
    ) -> Delivery | None:
        """Register a claimed job, and return its delivery.

        Returns None if the job was requeued before the reply to its claim arrived, or if its
        message is malformed. A job with a malformed message becomes dead.

        Args:
            queues: the job was claimed from one of these queues.
            tracked: True if its consumer acknowledges.
        """
        queue = next(name for name in queues if claimed.claim.list_name in lists_of(name))
        self._queue_cycle.rotate(queue)
        here = self.in_flight
        tag = here.track(claimed) if tracked else claimed.claim.id
        if tag is None:
            return None
        try:
            # values that kombu has marked, such as datetimes, need kombu's own decoder
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
        here = self.in_flight
        script = self._sent.script if isinstance(self._sent, Claiming) else ""
        try:
            command = "EVALSHA" if script else "BLPOP"
            return self.client.parse_response(self.client.connection, command)
        except self.connection_errors:
            self._consumer_state.begin()
            self.client.connection.disconnect()
            raise
        except redis.exceptions.NoScriptError:  # Redis was restarted, or is another server
            connection = self.client.connection
            connection.send_command("SCRIPT", "LOAD", here.queue.scripts.registered(script).script)
            self.client.parse_response(connection, "SCRIPT LOAD")
            raise Empty from None
        except redis.exceptions.ResponseError as error:
            if str(error).startswith("LEASELOST"):
                with suppress(redis.exceptions.RedisError):  # the heartbeat will retry
                    here.lease.renew().send()
                raise Empty from None
            # Redis refuses, for example because its disk is full: claim again after a short wait
            self._throttled.log(log.warning, "Redis refuses to give a job: %s", error)
            if script:
                self._consumer_state.nothing(script, Reason.SOON)
            else:  # Redis refused BLPOP without waiting, so wait here
                sleep(PAUSE)
                self._consumer_state.begin()
            raise Empty from None

    def _get(self, queue: str) -> dict[str, Any]:
        here = self.in_flight
        here.work([queue], **process.info())
        while claims := here.queue.claim(here.lease.worker, lists_of(queue)):
            if delivery := self.register_claim(claims[0], [queue], tracked=True):
                return delivery.payload
        raise Empty

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        message = super().basic_get(queue, no_ack=no_ack, **kwargs)
        if message is not None and no_ack:
            self.in_flight.finish(message.delivery_tag, Ending(Disposition.DONE))
        return message


def _retried_job(headers: Mapping[str, Any]) -> str:
    """Return the running job's id in Redis if this message is the job's next try, else "".

    A running job publishes its next try (`retry`, `replace`) under its own task id, with a greater
    number of retries or replacements. Any other message with this task id is a separate job.
    """
    if not current_task or current_task.request.id != headers["id"]:
        return ""
    request = current_task.request
    counts = ("retries", "replaced_task_nesting")
    if not any((headers.get(name) or 0) > (request.get(name) or 0) for name in counts):
        return ""
    return str((request.get("properties") or {}).get(JOB, ""))


def _moment(eta: str) -> float:
    moment = datetime.fromisoformat(eta)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


worker.connect_signals()
