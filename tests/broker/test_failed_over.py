"""Tests of a fail-over, and of a worker that starts while Redis is full."""

import signal

import pytest
import redis
from broker.conftest import OpenShop
from celery_suite.outside import Shop
from kombu.exceptions import OperationalError
from support import message, until

from demo_app.broker.connection import connect
from demo_app.broker.queue import Queue


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    return open_shop("threads")


def _replica_of(shop: Shop, other: Shop) -> Shop:
    other.redis.replicaof("127.0.0.1", str(shop.port))
    until(lambda: other.redis.info("replication")["master_link_status"] == "up", what="its copy")
    return other


def test_a_worker_and_a_producer_fail_over(shop: Shop, open_shop: OpenShop) -> None:
    replica = _replica_of(shop, open_shop("threads"))
    shop.start_worker()
    producer = Queue(connect(f"redis://127.0.0.1:{shop.link_port}/0"))
    producer.enqueue(message(1, task="shop.pack", arguments={"parcel": "before"}, queue="celery"))
    assert not shop.lost(["before"], 30)
    shop.until(shop.waits, "the wait for a job")
    # swap the primary and the replica; open connections stay open
    replica.redis.replicaof("no", "one")
    shop.redis.replicaof("127.0.0.1", str(replica.port))
    shop.leads_to = replica.port
    until(lambda: shop.redis.info("replication")["role"] == "slave", what="the fail-over")
    producer.enqueue(message(2, task="shop.pack", arguments={"parcel": "after"}, queue="celery"))
    assert not shop.lost(["after"], 60)
    shop.until(lambda: replica.redis.zcard("done") == 2, "the acknowledgement of both")


def test_a_producer_can_wait_until_a_replica_has_the_job(open_shop: OpenShop) -> None:
    shop = open_shop("threads", broker_transport_options={"wait_for_replicas": 1})
    replica = _replica_of(shop, open_shop("threads"))
    replica.server.send(signal.SIGSTOP)
    with shop.app() as app:
        for retries in ({"retry": False}, {"retry_policy": {"max_retries": 1}}):
            with pytest.raises(OperationalError, match="only 0 of 1 replicas have it"):
                app.send_task("shop.pack", ["unsure"], **retries)
        replica.server.send(signal.SIGCONT)
        app.send_task("shop.pack", ["sure"])
    shop.server.kill()
    replica.redis.replicaof("no", "one")
    replica.start_worker()
    assert not replica.lost(["sure"], 30)


def test_a_worker_can_start_while_redis_is_full(shop: Shop) -> None:
    parcels = [f"p{number}" for number in range(20)]
    shop.order(*parcels)
    shop.redis.delete("_kombu.binding.celery", "_kombu.binding_permanent.celery")
    shop.redis.config_set("maxmemory", 1)
    shop.start_worker()
    assert not shop.lost(parcels, 60)
    assert shop.redis.exists("_kombu.binding.celery")


def test_a_replica_without_stale_data_counts_as_unreachable(shop: Shop) -> None:
    shop.redis.config_set("replica-serve-stale-data", "no")
    shop.redis.replicaof("127.0.0.1", "1")
    client = connect(f"redis://127.0.0.1:{shop.port}/0")
    with client, pytest.raises(redis.ConnectionError, match="replica-serve-stale-data"):
        client.get("x")
