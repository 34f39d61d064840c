"""Tests of a worker's connection over TLS, to a second address, and through Sentinel."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from broker.conftest import OpenShop
from celery_suite.outside import Shop
from certificate import tls_context
from kombu import Connection
from servers import leads_to, sentinel, server, wait_until_watched
from support import until

from demo_app.rig.ports import take
from demo_app.rig.proxy import Proxy


def _connect_by(shop: Shop, url: str) -> None:
    """Let the app use this URL for its broker."""
    shop.broker = lambda _: url


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    return open_shop(broker_transport_options={"lease_seconds": 2.0, "master_name": "books"})


@pytest.fixture
def tls_port(shop: Shop) -> Iterator[int]:
    """Yield the port of a proxy that adds TLS. The shop's folder has the certificate."""
    proxy = Proxy(shop.port, tls=tls_context(shop.folder))
    yield proxy.port
    shop.close()
    proxy.end()


def test_tls_is_used_and_the_certificate_is_checked(shop: Shop, tls_port: int) -> None:
    url = f"claims+rediss://127.0.0.1:{tls_port}/0"
    _connect_by(shop, url)
    with pytest.raises(Exception, match="certificate verify failed"):
        shop.order("vase", sending={"retry": False})
    _connect_by(shop, f"{url}?ssl_ca_certs={shop.folder / 'certificate.pem'}")
    shop.start_worker()
    shop.order("vase")
    assert not shop.lost(["vase"], 30)


def test_with_celery_s_tls_a_replica_counts_as_unreachable(shop: Shop, tls_port: int) -> None:
    tls = {"ssl_ca_certs": str(shop.folder / "certificate.pem")}
    with Connection(f"claims+redis://127.0.0.1:{tls_port}/0", ssl=tls) as connection:
        client: Any = connection.default_channel.client
        client.set("x", "1")
        shop.redis.replicaof("127.0.0.1", "1")
        with pytest.raises(redis.ConnectionError, match="the server is a replica now"):
            client.set("x", "2")


@pytest.mark.thorough
def test_a_worker_continues_at_the_next_address_of_a_list(shop: Shop) -> None:
    with server() as first:
        ports = (first.port, shop.port)
        _connect_by(shop, ";".join(f"claims+redis://127.0.0.1:{port}/0" for port in ports))
        worker = shop.start_worker()
        shop.order("before")
        assert not shop.lost(["before"], 30)
        first.client.shutdown(nosave=True)
        shop.order("after")
        assert not shop.lost(["after"], 40)
        worker.terminate()
        assert worker.wait(timeout=200) == 0


def test_a_worker_follows_sentinel_through_a_fail_over(shop: Shop) -> None:
    with server(shop.port) as copy, sentinel(shop.port) as watching:
        wait_until_watched(copy, watching)
        nobody = take(0, "nobody")
        _connect_by(shop, f"claims+sentinel://127.0.0.1:{nobody};127.0.0.1:{watching.port}")
        shop.start_worker()
        shop.order("before")
        assert not shop.lost(["before"], 30)
        shop.server.kill()
        until(lambda: leads_to(watching, copy.port), 60, "the fail-over")
        shop.order("after")
        assert not shop.lost(["after"], 60)
        shop.close()
