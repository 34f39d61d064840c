"""Tests that a half-open connection to Redis (not closed, not working) is detected in seconds."""

import signal
import time

import pytest
from broker.conftest import OpenShop
from broker.scene import Scene
from celery_suite.outside import Shop
from support import client_of, most_thorough, patience

from demo_app.broker.options import Options
from demo_app.broker.queue import Queue

#: Length of a lease (seconds): enough for two heartbeats on a busy machine, and much shorter than
#: the socket's timeout.
LEASE = 9.0


@pytest.fixture
def open_one(open_shop: OpenShop) -> OpenShop:
    def opens(**options: float) -> Shop:
        shop = open_shop("threads", broker_transport_options=options)
        shop.start_worker()
        return shop

    return opens


def _waiting_ports(shop: Shop) -> set[int]:
    clients = shop.redis.client_list()
    return {int(one["addr"].rpartition(":")[2]) for one in clients if "b" in one["flags"]}


@pytest.mark.parametrize("which", most_thorough(["where it waits for jobs", "all"], "all"))
def test_a_worker_continues_over_a_new_connection(open_one: OpenShop, which: str) -> None:
    shop = open_one()
    shop.until(lambda: _waiting_ports(shop), "a worker that waits")
    shop.link.freeze(None if which == "all" else _waiting_ports(shop))
    began = time.monotonic()
    shop.order("vase")
    assert not shop.lost(["vase"], 40)
    # on an idle machine kombu's own check needs 26 to 51 s
    assert time.monotonic() - began < patience(20.0)


@pytest.mark.thorough
def test_the_heartbeat_reconnects_before_its_lease_expires(open_one: OpenShop) -> None:
    """If the lease expired first, another worker would run the job a second time."""
    shop = open_one(lease_seconds=LEASE, socket_timeout=30.0)
    others = Scene(Queue(client_of(f"redis://127.0.0.1:{shop.port}")))
    with others.working(Options(lease_seconds=LEASE)):
        shop.order("piano", seconds=LEASE + 6)
        shop.until_started("piano")
        # as if Redis had been up for a whole lease: only then may a worker be declared dead
        shop.redis.hset("server", "since", 0)
        shop.link.freeze()
        assert not shop.lost(["piano"], 40)
        shop.until(lambda: shop.redis.zcard("done") == 1, "its acknowledgement")
    assert "worker_died" not in [fields["event"] for _, fields in shop.redis.xrange("journal")]
    assert shop.times("started")["piano"] == 1


@pytest.mark.thorough
def test_a_cold_shutdown_ends_without_a_reply_of_redis(open_one: OpenShop) -> None:
    shop = open_one(socket_timeout=2.0)
    shop.until(lambda: _waiting_ports(shop), "a worker that waits")
    shop.link.freeze()
    shop.workers[0].send_signal(signal.SIGQUIT)
    shop.workers[0].wait(timeout=200)
