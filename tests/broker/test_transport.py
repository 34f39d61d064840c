"""The canary: the private methods of kombu that the transport overrides are still there.

When kombu moves, this names what moved, before anything stranger happens.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import kombu
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


#: What kombu's poller uses, and since which version.
_USED = {
    "channel._brpop_start()": (5, 6),
    "'BRPOP': self._brpop_read": (5, 6),
    "channel._in_poll": (5, 6),
    "channel.qos.restore_visible(": (5, 6),
    "channel._brpop_sent_at": (5, 7),
}


@pytest.mark.parametrize(("used", "since"), _USED.items())
def test_kombus_poller_still_uses_what_is_overridden(used: str, since: tuple[int, int]) -> None:
    known = used in inspect.getsource(kombu_redis)
    assert known == (kombu.VERSION[:2] >= since), f"{used} has come or gone"


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
            server.wait()
            malformed = Claimed(Claim("w", "mail", "a", "1"), "no message")
            good = Claimed(Claim("w", "mail", "b", "2"), compose(message(1)))
            assert channel.take_in(malformed, ["mail"], tracked=True) is None
            assert channel.take_in(good, ["mail"], tracked=True) is not None
    finally:
        server.kill()
        server.wait()


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
