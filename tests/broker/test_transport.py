"""The canary: what the broker overrides and uses of kombu, Celery and billiard is still there.

When one of them moves, this names what moved, before anything stranger happens.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import redis
from kombu import Connection
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from support import message

from demo_app.broker import transport
from demo_app.broker.claim import Claim, Claimed
from demo_app.broker.message import compose
from demo_app.broker.queue import Queue
from demo_app.stack import redis_server

_OVERRIDDEN = {
    "_brpop_start": ["self", "timeout"],
    "_brpop_read": ["self", "options"],
    "_put": ["self", "queue", "message", "kwargs"],
    "_get": ["self", "queue"],
    "_size": ["self", "queue"],
    "_purge": ["self", "queue"],
    "_delete": ["self", "queue", "exchange", "routing_key", "pattern", "args", "kwargs"],
    "_has_queue": ["self", "queue", "kwargs"],
    "_connparams": ["self", "asynchronous"],
}


@pytest.mark.parametrize(("name", "parameters"), _OVERRIDDEN.items())
def test_kombus_channel_still_has_the_method(name: str, parameters: list[str]) -> None:
    ours = [part for part in transport.Channel.__mro__ if part.__module__.startswith("demo_app")]
    assert any(name in vars(part) for part in ours), f"{name} is not overridden: change this test"
    method: Any = getattr(kombu_redis.Channel, name)
    assert list(inspect.signature(method).parameters) == parameters


@pytest.mark.parametrize("name", ["ack", "reject", "restore_unacked", "restore_visible"])
def test_kombus_qos_still_has_the_method(name: str) -> None:
    assert name in vars(transport.Channel.QoS)
    assert hasattr(virtual.QoS, name)


#: What Celery, kombu and billiard have that is nobody's promise, and that the broker uses.
_USED = {
    "kombu.transport.redis": (
        *("channel._brpop_start()", "'BRPOP': self._brpop_read", "channel._in_poll"),
        *("channel.qos.restore_visible(", "self._queue_cycle"),
        *("def _get_pool(", "def _receive_one(", "connection_class_ssl", "keyprefix_queue"),
        "self._fanout_queues",
    ),
    "kombu.transport.virtual.base": (
        *("def _deliver(", "self._delivered", "self._dirty", "def _flush("),
        "restore_unacked_once",
    ),
    "kombu.connection": ("self.cycle", "self.alt"),
    "celery.worker.worker": ("def _process_task(",),
    "celery.worker.components": ("w._quick_release", "w.hub"),
    "celery.worker.consumer.consumer": ("self.task_buckets", "self.on_task_request", ".flush()"),
    "celery.worker.request": (
        *("self._on_ack", "self._connection_errors", "def on_accepted(", "accept_callback="),
        *("def execute_using_pool("),
    ),
    "celery.worker.state": ("reserved_requests", "active_requests", "should_terminate"),
    "celery.concurrency.base": ("def on_apply(", "self.on_apply(", "accept_callback"),
    "celery.app.base": ("self._tasks",),
    "celery.app.task": ("__bound__",),
    "kombu.message": ("def ack_log_error(",),
    "billiard.pool": ("self._cache", "self.correlation_id", "def discard("),
}


@pytest.mark.parametrize(
    ("module", "used"), [(module, one) for module, found in _USED.items() for one in found]
)
def test_what_is_used_is_still_there(module: str, used: str) -> None:
    assert used in inspect.getsource(import_module(module)), f"{used} has gone"


def test_other_steps_of_priority_are_refused_by_a_sentence() -> None:
    other = Connection("claims+redis://", transport_options={"priority_steps": [0, 5]})
    with pytest.raises(ValueError, match=r"fixed steps of priority, 0, 3, 6, 9"):
        other.create_transport()
    same = Connection("claims+redis://", transport_options={"priority_steps": [0, 3, 6, 9]})
    assert isinstance(same.create_transport(), transport.Transport)


def test_a_malformed_message_while_redis_is_away_does_not_keep_its_neighbours(
    tmp_path: Path,
) -> None:
    server, url = redis_server.start(tmp_path)
    try:
        with Connection(url.replace("redis+socket://", "claims+unix://")) as connection:
            channel: Any = connection.channel()
            channel._queue_cycle.update(["mail"])
            server.kill()
            malformed = Claimed(Claim("w", "mail", "a", "1"), "no message")
            good = Claimed(Claim("w", "mail", "b", "2"), compose(message(1)))
            assert channel.take_in(malformed, ["mail"], tracked=True) is None
            assert channel.take_in(good, ["mail"], tracked=True) is not None
    finally:
        server.kill()


def test_what_a_closed_channel_cannot_hand_on_goes_back_and_is_not_dead(
    store: Queue, redis_url: str
) -> None:
    channel = Connection(redis_url.replace("redis+socket", "claims+unix")).channel()
    store.enqueue(message(1))
    here = channel.in_flight
    here.work(["mail"])
    try:
        claimed = here.queue.claim(here.lease.worker, here.lanes)
        channel.close()
        with pytest.raises(redis.ConnectionError):
            channel.hand_on(claimed, ["mail"])
        count = store.snapshot().count
        assert (count["queued"], count["dead"]) == (1, 0)
    finally:
        here.leave()
