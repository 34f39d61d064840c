"""A connection to Redis that is half-open, neither cut nor alive, is found within seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery_suite.outside import Shop
from support import client_of

from demo_app.broker.in_flight import InFlight
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    options = {"lease_seconds": 4.0}
    opened = Shop(tmp_path, "claims", pool="threads", broker_transport_options=options)
    yield opened
    opened.close()


def _waiting_ports(shop: Shop) -> set[int]:
    """The ports of the connections on which a worker waits for a job."""
    clients = shop.redis.client_list()
    return {int(one["addr"].rpartition(":")[2]) for one in clients if "b" in one["flags"]}


@pytest.mark.parametrize("which", ["where it waits for jobs", "all"])
def test_a_worker_goes_on_over_a_new_connection(shop: Shop, which: str) -> None:
    shop.start_worker()
    shop.until(lambda: _waiting_ports(shop), "a worker that waits")
    shop.link.freeze(None if which == "all" else _waiting_ports(shop))
    began = time.monotonic()
    shop.order("vase")
    assert not shop.lost(["vase"], 40)
    print(f"{time.monotonic() - began:.1f} s until the job had ended")
    assert time.monotonic() - began < 15, "kombu's own check finds it after 26 to 51 s"


def test_the_heartbeat_finds_a_new_connection_before_its_lease_has_run_out(shop: Shop) -> None:
    """Else the job would be another worker's, and run a second time."""
    shop.start_worker()
    other = InFlight(Queue(client_of(f"redis://127.0.0.1:{shop.port}")), Options(lease_seconds=4.0))
    other.work(["another queue"])
    try:
        shop.order("piano", seconds=8)
        shop.until_started("piano")
        shop.redis.hset("server", "since", 0)  # the other one may judge at once
        shop.link.freeze()
        assert not shop.lost(["piano"], 40)
        shop.until(lambda: shop.redis.zcard("done") == 1, "its acknowledgement")
    finally:
        other.leave()
    happened = [fields["event"] for _, fields in shop.redis.xrange("journal")]
    assert "worker_died" not in happened
    assert shop.times("started")["piano"] == 1
