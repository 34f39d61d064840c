"""A channel's address and options, what its process has in flight at that broker, and the
producer's half: messages as any Celery producer sends them, and their queues."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import redis
from celery import current_task
from kombu.transport import redis as kombu_redis
from kombu.utils.json import JSONEncoder

from . import process, worker
from .connection import AS_TEXT, CONNECTIONS, WITH_TLS, connection_options, scheme_of
from .in_flight import InFlight
from .keys import lane_of, lanes_of
from .message import JOB, is_job
from .options import DEFAULTS, NAMES, Options
from .queue import Kind, Queue

log = logging.getLogger(__name__)

#: Seconds of silence on a connection after which its server is sent a PING over it; an app that
#: chooses an interval has its own.
SILENCE = 16.0
#: What JSON does not know, a moment in a header for one, is written as kombu writes it.
_COMPACT: dict[str, Any] = {
    "ensure_ascii": False,
    "separators": (",", ":"),
    "default": JSONEncoder().default,
}
#: Adds to a set, when Redis is full as well.
_ADD_THOUGH_FULL = "#!lua flags=allow-oom\nreturn redis.call('SADD', KEYS[1], ARGV[1])"


class _Tag(str):
    """A delivery tag that a channel of this process gave to a message that it publishes."""

    __slots__ = ()


class BaseChannel(kombu_redis.Channel):  # type: ignore[misc]
    """All of a channel but what it consumes. Each message is put in as one atomic step."""

    supports_batch_publish = False
    body_encoding = "utf-8"  # readable in Redis; the stock transport writes base64
    # as long as a lease: who waits longer, over a dead connection, is taken for dead
    socket_timeout = socket_connect_timeout = DEFAULTS.lease_seconds

    def __init__(self, connection: Any, **options: Any) -> None:
        client = connection.client
        self._url = client.hostname or ""
        self._address = (client.hostname, client.port, client.virtual_host)
        self._found: tuple[int, InFlight] | None = None
        scheme = scheme_of(self._url) or "redis"
        self.connection_class = CONNECTIONS[scheme]
        self.connection_class_ssl = WITH_TLS.get(scheme, WITH_TLS["redis"])
        super().__init__(connection, **options)

    @property
    def in_flight(self) -> InFlight:
        """What this process has in flight at this channel's broker.

        It outlives the channel: a job is acknowledged when its connection has long been closed.
        """
        if self._found is None or self._found[0] != os.getpid():
            broker = (self.connection.in_flight_class, *self._address, self.global_keyprefix)
            self._found = (os.getpid(), process.in_flight_at(broker, self._make_in_flight))
        return self._found[1]

    def _make_in_flight(self) -> InFlight:
        chosen = self.connection.client.transport_options
        options = Options(**{name: chosen[name] for name in NAMES if name in chosen})
        pool = self._get_pool()
        pool.connection_kwargs |= AS_TEXT
        pool.max_connections = 2**31  # kombu's limit is a channel's; `lua` has its own
        made: InFlight = self.connection.in_flight_class(
            Queue(redis.Redis(connection_pool=pool), options)
        )
        return made

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        options: dict[str, Any] = super()._connparams(asynchronous=asynchronous)
        if scheme_of(self._url):
            options = connection_options(self._url, options)
        chosen = self.connection.client.transport_options
        # kombu 5.6 does not find the option in redis-py's newer classes and leaves it out
        interval = chosen.get("health_check_interval", SILENCE)
        return {**options, "health_check_interval": interval}

    def encode_body(self, body: Any, encoding: str | None = None) -> tuple[Any, str | None]:
        """Text stays as it is, readable in Redis; bytes (pickle, say) travel as base64."""
        if isinstance(body, bytes):
            return base64.b64encode(body).decode("ascii"), "base64"
        return body, "utf-8"

    def _inplace_augment_message(
        self, message: dict[str, Any], exchange: str, routing_key: str
    ) -> None:
        """Give the message a delivery tag. When kombu publishes it again, since the answer was
        lost, it keeps its tag, and Redis recognises it."""
        tag = message["properties"].get("delivery_tag")
        super()._inplace_augment_message(message, exchange, routing_key)
        own = tag if isinstance(tag, _Tag) else _Tag(message["properties"]["delivery_tag"])
        message["properties"]["delivery_tag"] = own

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        """Enqueue what a producer sends; a task with an ETA waits among the scheduled."""
        headers, properties = message.get("headers") or {}, message["properties"]
        lane = lane_of(queue, self._get_message_priority(message, reverse=False))
        properties["delivery_info"]["lane"] = lane
        by, due = f"{headers.get('origin') or 'producer'}", None
        if is_job(headers):
            running = _retried_job(headers)
            kind, name = (Kind.NEXT_TRY, running) if running else (Kind.JOB, headers["id"])
            eta = headers.get("eta")
            due = None if eta is None else _moment(eta)
        else:
            goes = queue in self.auto_delete_queues or queue.endswith(".pidbox")
            kind = Kind.TRANSIENT if goes else Kind.MESSAGE
            name = f"~{properties['delivery_tag']}/{lane}"
        text = json.dumps(message, **_COMPACT)
        self.in_flight.queue.publish(text, name, lane, kind=kind, by=by, due=due)

    def _new_queue(self, queue: str, auto_delete: bool = False, **kwargs: Any) -> None:
        super()._new_queue(queue, auto_delete=auto_delete, **kwargs)
        expires = (kwargs.get("arguments") or {}).get("x-expires")
        if expires and not (auto_delete or queue.endswith(".pidbox")):
            log.warning("The queue %s is to expire (x-expires); here it stays", queue)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Note that a queue belongs to an exchange, when Redis is full as well: else no worker
        could start, and nothing would ever make room."""
        try:
            super()._queue_bind(exchange, routing_key, pattern, queue)
        except redis.exceptions.OutOfMemoryError:
            there = self.in_flight.queue
            key = there.keys(self.keyprefix_queue % exchange)
            member = self.sep.join([routing_key or "", pattern or "", queue or ""])
            there.client.eval(_ADD_THOUGH_FULL, 1, key, member)

    def _size(self, queue: str) -> int:
        return self.in_flight.queue.size(lanes_of(queue))

    def _has_queue(self, queue: str, **_: Any) -> bool:
        return self._size(queue) > 0

    def _purge(self, queue: str) -> int:
        here, lanes = self.in_flight.queue, lanes_of(queue)
        return here.purge(lanes, by="purge") + here.purge_due_later(lanes, by="purge")

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kwargs: Any
    ) -> None:
        super()._delete(queue, exchange, routing_key, pattern, *args, **kwargs)
        # not what is due later: to find that takes a read of every scheduled and retrying job, and
        # Celery deletes a queue after each reply to `inspect`
        self.in_flight.queue.purge(lanes_of(queue), by="deleted")


def _retried_job(headers: Mapping[str, Any]) -> str:
    """Return the id in Redis of the running job whose next try has these headers, or "".

    A running job publishes its next try under its own task id (`retry`, `replace`), with a greater
    count. Any other message with that task id is a separate job.
    """
    if not current_task or current_task.request.id != headers["id"]:
        return ""
    request = current_task.request
    counts = ("retries", "replaced_task_nesting")
    if not any((headers.get(name) or 0) > (request.get(name) or 0) for name in counts):
        return ""
    return str((request.get("properties") or {}).get(JOB, ""))


def _moment(eta: str) -> float:
    """An ETA as seconds since the epoch; one without a time zone is in UTC."""
    moment = datetime.fromisoformat(eta)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


worker.connect_signals()
