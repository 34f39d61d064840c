"""Tests that kombu, Celery and billiard still have the internals on which the broker depends.

If an upgrade removes one, these tests name it, before less obvious errors happen.
"""

import inspect
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib import import_module
from typing import Any

import kombu
import pytest
import redis
from kombu import Connection, Consumer
from kombu.asynchronous import Hub
from kombu.transport import redis as kombu_redis
from support import message, until

from demo_app.broker import transport
from demo_app.broker.channel import MAY_END_WAIT
from demo_app.broker.claim import Claim, Claimed
from demo_app.broker.consumer_state import Waiting
from demo_app.broker.message import compose
from demo_app.broker.options import Options
from demo_app.broker.queue import Kind, Queue
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.redis_server import RedisServer

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
    assert list(inspect.signature(getattr(kombu_redis.Channel, name)).parameters) == parameters


#: Private names and code of Celery, kombu and billiard on which the broker depends.
_USED = {
    "kombu.transport.redis": (
        *("channel._brpop_start()", "'BRPOP': self._brpop_read", "channel._in_poll"),
        *("channel.qos.restore_visible(", "self._queue_cycle"),
        *("def _get_pool(", "def _receive_one(", "connection_class_ssl", "keyprefix_queue"),
        "self._fanout_queues",
        *(("_brpop_health_tref", "def maybe_check_brpop_health(") if MAY_END_WAIT else ()),
    ),
    "kombu.transport.virtual.base": (
        *("def _deliver(", "self._delivered", "self._dirty", "def _flush("),
        *("def ack(", "def reject(", "def restore_unacked(", "restore_unacked_once"),
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
def test_the_module_still_has(module: str, used: str) -> None:
    assert used in inspect.getsource(import_module(module)), f"{used} has gone"


def test_other_priority_steps_are_refused() -> None:
    other = Connection("claims+redis://", transport_options={"priority_steps": [0, 5]})
    with pytest.raises(ValueError, match=r"fixed priority_steps \(0, 3, 6, 9\)"):
        other.create_transport()
    same = Connection("claims+redis://", transport_options={"priority_steps": [0, 3, 6, 9]})
    assert isinstance(same.create_transport(), transport.Transport)


@pytest.mark.parametrize("heartbeat", [3.0, 5.0])
def test_a_heartbeat_that_is_not_shorter_than_the_lease_is_refused(heartbeat: float) -> None:
    """Other workers would declare a healthy worker dead between two heartbeats."""
    with pytest.raises(ValueError, match="heartbeat_seconds must be less than lease_seconds"):
        Options(heartbeat_seconds=heartbeat)


@pytest.mark.parametrize("value", ["10", None, -1])
def test_an_option_that_is_not_a_number_from_0_on_is_refused(value: Any) -> None:
    error = f"lease_seconds must be 0 or a positive number, not {value!r}"
    with pytest.raises(ValueError, match=error):
        Options(lease_seconds=value)


def test_a_malformed_message_while_redis_is_down_does_not_block_others() -> None:
    with (
        ProcessGroup() as group,
        RedisServer(group) as server,
        Connection(server.url.replace("redis+socket://", "claims+unix://")) as connection,
    ):
        channel: Any = connection.channel()
        channel._queue_cycle.update(["mail"])
        server.kill()
        malformed = Claimed(Claim("w", "mail", "a", "1"), "no message")
        good = Claimed(Claim("w", "mail", "b", "2"), compose(message(1)))
        assert channel.register_claim(malformed, ["mail"], tracked=True) is None
        assert channel.register_claim(good, ["mail"], tracked=True) is not None


@pytest.fixture
def claims_url(redis_url: str) -> str:
    return redis_url.replace("redis+socket", "claims+unix")


needs_kombu_5_7 = pytest.mark.skipif(not MAY_END_WAIT, reason="kombu 5.6 reads a wait to its end")


@pytest.fixture
def waiting(claims_url: str, request: pytest.FixtureRequest) -> Iterator[Consumer]:
    # a separate prefix, so that tests share no in-flight jobs
    own = {"global_keyprefix": request.node.name}
    with Connection(claims_url, transport_options=own) as connection:
        connection.transport.brpop_timeout = 60
        consumer = Consumer(connection, [kombu.Queue("empty")], callbacks=[lambda *_: None])
        with consumer:
            until(lambda: _is_in_a_wait(consumer), what="the wait")
            yield consumer
            consumer.channel.in_flight.leave()


def _is_in_a_wait(consumer: Consumer) -> bool:
    _drain(consumer.connection)
    channel = consumer.channel
    return bool(isinstance(channel._sent, Waiting) and channel._in_poll)


@needs_kombu_5_7
def test_a_channel_closes_in_its_wait(waiting: Consumer, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = waiting.channel
    monkeypatch.setattr(channel, "_brpop_read", lambda: pytest.fail("it reads the wait's end"))
    channel.close()


@needs_kombu_5_7
def test_a_queue_that_is_added_during_a_wait_is_read_at_once(waiting: Consumer) -> None:
    queue = waiting.channel.in_flight.queue
    # enqueue without a wake token, so that no token ends the consumer's wait
    queue.client.lpush(queue.keys("queue", "mail"), "job-1")
    queue.client.rpush(queue.keys("job", "job-1"), compose(message(1)))
    waiting.add_queue(kombu.Queue("mail"))
    waiting.consume()
    waiting.connection.drain_events(timeout=20)
    assert [claim.id for claim in waiting.channel.in_flight.held().values()] == ["job-1"]


@pytest.mark.usefixtures("store")
def test_while_there_is_a_suspect_a_consumer_waits_for_a_second(waiting: Consumer) -> None:
    """A suspected poison job can become claimable when other jobs end, and no wake token is sent
    for that."""
    channel = waiting.channel
    assert channel._sent.seconds == 60
    queue = channel.in_flight.queue
    # the job must exist, since the deaths of an unknown job would be deleted
    queue.client.rpush(queue.keys("job", "job-1"), "{}")
    queue.client.hset(queue.keys("deaths"), "job-1", "one two")
    waiting.add_queue(kombu.Queue("mail"))
    waiting.consume()
    until(lambda: _is_in_a_wait(waiting) and "mail" in channel._sent.queues, what="the next wait")
    assert channel._sent.seconds == 1


@pytest.mark.parametrize("text", ["[" * 50_000, "{}"], ids=["too deep", "no message"])
def test_an_unreadable_broadcast_is_dropped(store: Queue, claims_url: str, text: str) -> None:
    exchange = kombu.Exchange("news", type="fanout")
    seen: list[object] = []
    with Connection(claims_url) as connection:
        queue = kombu.Queue("reader", exchange)
        with Consumer(connection, [queue], callbacks=[lambda *read: seen.append(read[0])]):
            until(lambda: _drain(connection) or store.client.pubsub_numpat(), what="its listener")
            store.client.publish("/0.news", text)
            connection.Producer().publish("good news", exchange=exchange, declare=[queue])
            until(lambda: _drain(connection) or seen, what="the next broadcast")
    assert seen == ["good news"]


def _drain(connection: Connection) -> None:
    with suppress(TimeoutError):
        connection.drain_events(timeout=0.1)


def test_a_closed_channel_requeues_its_claims_in_order(store: Queue, claims_url: str) -> None:
    channel = Connection(claims_url).channel()
    store.enqueue_many([(message(number), None) for number in (1, 2, 3)])
    here = channel.in_flight
    here.work(["mail"])
    try:
        claimed = here.queue.claim(here.lease.worker, here.lists, 3)
        channel.close()
        with pytest.raises(redis.ConnectionError):
            channel.deliver_claims(claimed, ["mail"])
        count = store.snapshot().count
        assert (count["queued"], count["dead"]) == (3, 0)
        assert store.client.lrange("queue:mail", 0, -1) == ["job-3", "job-2", "job-1"]
    finally:
        here.leave()


def test_two_groups_of_the_same_sentinels_are_two_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis.Redis, "ping", lambda _: True)
    url, groups = "claims+sentinel://127.0.0.1:1", ("one", "two")
    links = [Connection(url, transport_options={"master_name": group}) for group in groups]
    pools = [link.channel().in_flight.queue.client.connection_pool for link in links]
    assert [pool.service_name for pool in pools] == ["one", "two"]


def test_a_get_skips_a_malformed_message(store: Queue, claims_url: str) -> None:
    options = {"global_keyprefix": "other:"}
    queue = Queue(store.client, Options(**options))
    queue.publish("[]", "malformed", "mail", kind=Kind.JOB)
    queue.enqueue(message())
    channel = Connection(claims_url, transport_options=options).channel()
    try:
        assert channel.basic_get("mail").headers["id"] == "job-1"
    finally:
        channel.in_flight.leave()


def test_deleting_a_queue_reads_no_delayed_jobs(store: Queue, claims_url: str) -> None:
    store.enqueue_many([(message(number), time.time() + 600) for number in range(50)])
    with Connection(claims_url) as connection:
        reply = kombu.Queue("reply", kombu.Exchange("replies", "direct"), "reply")
        reply = reply(connection.default_channel)
        reply.declare()
        store.client.config_resetstat()
        reply.delete()
    calls = {name: used["calls"] for name, used in store.client.info("commandstats").items()}
    assert calls["cmdstat_rpop"] == 5, "it was not deleted"
    assert "cmdstat_lindex" not in calls


@pytest.mark.parametrize(
    ("chosen", "of_clients", "of_jobs", "of_control"),
    [({}, 16, 2, 25), ({"health_check_interval": 9}, 9, 9, 9)],
)
def test_control_messages_have_a_longer_health_check_interval_than_jobs(
    claims_url: str, chosen: dict[str, int], of_clients: int, of_jobs: int, of_control: int
) -> None:
    """kombu closes the control connection after two checks without a reply. With a check every 2 s,
    a busy machine would often lose messages."""
    hub, seconds = Hub(), dict[str, float]()
    call_repeatedly = hub.call_repeatedly

    def note(delay: float, callback: Any, *args: Any) -> Any:
        # a callback may be cancelled and registered again: its last delay counts
        seconds[callback.__name__] = delay
        return call_repeatedly(delay, callback, *args)

    hub.call_repeatedly = note
    with closing(hub), Connection(claims_url, transport_options=chosen) as connection:
        for one in (connection, connection.clone()):
            pool = one.default_channel.client.connection_pool
            assert pool.connection_kwargs["health_check_interval"] == of_clients
        if MAY_END_WAIT:
            connection.register_with_event_loop(hub)
            assert connection.default_channel.health_check_interval == of_jobs
            assert seconds["maybe_check_brpop_health"] == of_jobs
            assert seconds["maybe_check_subclient_health"] == of_control
