"""An answer that a wire loses, as the two ends see it."""

from __future__ import annotations

import asyncio
import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from bad_wire import BadWire


class Wire(socketserver.ThreadingTCPServer):
    """A server that answers each request with itself, and remembers it; a proxy before it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.requests: list[bytes] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        end = socket.create_server(("127.0.0.1", 0))
        self._port = end.getsockname()[1]
        self.proxy = BadWire({end: partial(asyncio.open_connection, *self.server_address)})

    def finish_request(self, request: Any, client_address: object) -> None:
        with suppress(OSError):
            while data := request.recv(100):
                self.requests.append(data)
                request.sendall(data)

    def open(self) -> socket.socket:
        """A connection through it, which has been used."""
        line = socket.create_connection(("127.0.0.1", self._port), timeout=20.0)
        assert ask(line, b"first") == b"first"
        return line


def ask(line: socket.socket, request: bytes) -> bytes:
    """Send a request; returns its answer, b"" for an end."""
    line.sendall(request)
    return line.recv(100)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as made:
        yield made
        made.proxy.end()
        made.shutdown()


def test_an_answer_that_is_lost_is_one_to_a_request_that_arrived(wire: Wire) -> None:
    with wire.open() as line:
        wire.proxy.loses_answers = True
        assert ask(line, b"second") == b""
        assert wire.requests == [b"first", b"second"]
        wire.proxy.loses_answers = False
    wire.open().close()


def test_only_an_answer_like_the_one_that_is_meant_is_lost(wire: Wire) -> None:
    with wire.open() as line:
        wire.proxy.lose_answer_like(re.compile(rb"job \d+"))
        assert ask(line, b"no job") == b"no job"
        assert ask(line, b"job 17") == b""
        assert wire.proxy.lost.is_set()
    with wire.open() as line:
        assert ask(line, b"job 18") == b"job 18", "it is lost once"
    assert b"job 17" in wire.requests
