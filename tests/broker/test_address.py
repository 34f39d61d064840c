"""Tests of broker URLs."""

from typing import Any

import pytest

from demo_app.broker.connection import client_url, connection_options


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:secret@host:6380/2", {"port": 6380, "password": "secret", "db": 2}),
        ("redis://me:p%40ss@host", {"username": "me", "password": "p@ss", "port": 6379, "db": 0}),
        ("valkey://me:p%40ss@host", {"username": "me", "password": "p@ss", "port": 6379, "db": 0}),
        ("valkeys://host", {"host": "host", "ssl_cert_reqs": "required"}),
        ("unix:///run/r.sock", {"path": "/run/r.sock", "db": 0}),
        ("socket:///run/r.sock?virtual_host=3", {"path": "/run/r.sock", "db": 3}),
        ("rediss://host", {"ssl_cert_reqs": "required"}),
        ("rediss://host?ssl_cert_reqs=CERT_NONE", {"ssl_cert_reqs": "none"}),
    ],
)
def test_a_url_names_a_server(url: str, expected: dict[str, Any]) -> None:
    options = {"host": "elsewhere", "port": 1, "db": 9, "socket_keepalive": 1}
    found = connection_options(url, options)
    assert expected.items() <= found.items()
    if "path" in expected:
        assert not {"host", "port", "socket_keepalive"} & found.keys()


@pytest.mark.parametrize(
    ("url", "spelt"),
    [
        ("redis+socket:///run/r.sock?virtual_host=3", "unix:///run/r.sock?db=3"),
        ("valkey://me:p@host/1", "redis://me:p@host/1"),
        ("valkeys://host", "rediss://host"),
        ("redis://host", "redis://host"),
    ],
)
def test_a_url_is_translated_for_redis_py(url: str, spelt: str) -> None:
    assert client_url(url) == spelt
