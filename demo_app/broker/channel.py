"""A channel's address and options, and what its process has in flight at that broker."""

from __future__ import annotations

import os
import threading
from typing import Any

import redis
from kombu.transport import redis as kombu_redis

from demo_app.broker import worker
from demo_app.broker.address import CONNECTIONS, connection_options, scheme_of
from demo_app.broker.in_flight import InFlight
from demo_app.broker.options import NAMES, Options
from demo_app.broker.queue import Queue

#: What this process has in flight, for each broker that it uses.
_in_flight: dict[tuple[object, ...], InFlight] = {}
_making = threading.Lock()


class BaseChannel(kombu_redis.Channel):  # type: ignore[misc]
    """What consuming and publishing share."""

    in_flight_class: type[InFlight] = InFlight
    from_transport_options = (*kombu_redis.Channel.from_transport_options, *NAMES)
    body_encoding = "utf-8"  # readable in Redis; the stock transport writes base64
    # as long as a lease: who waits longer, over a dead connection, is taken for dead
    socket_timeout = socket_connect_timeout = Options().lease_seconds
    lease_seconds, heartbeat_seconds = Options().lease_seconds, Options().heartbeat_seconds
    max_rescues, poison_pause = Options().max_rescues, Options().poison_pause
    history_length, journal_length = Options().history_length, Options().journal_length

    def __init__(self, connection: Any, **options: Any) -> None:
        client = connection.client
        self._url = client.hostname or ""
        self._address = (client.hostname, client.port, client.virtual_host)
        self._found: tuple[int, InFlight] | None = None
        scheme = scheme_of(self._url)
        if scheme and scheme != "sentinel":
            self.connection_class = CONNECTIONS[scheme]
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


def in_flight_here() -> list[InFlight]:
    """What this process has in flight, one for each broker."""
    return [found for key, found in list(_in_flight.items()) if key[0] == os.getpid()]


def claiming_here() -> InFlight:
    """What this worker has claimed.

    Raises LookupError when this process is no worker.
    """
    for found in in_flight_here():
        if found.working:
            return found
    raise LookupError("this process is no worker")


def _forget_the_parents() -> None:
    """A forked process claims nothing: what is in flight is its parent's."""
    global _making
    _in_flight.clear()
    _making = threading.Lock()


os.register_at_fork(after_in_child=_forget_the_parents)
worker.connect_signals(in_flight_here)
