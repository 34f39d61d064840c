"""Each way in which a wire breaks, as the two ends see it."""

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
from support import until


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


def test_a_request_that_is_lost_never_arrives(wire: Wire) -> None:
    with wire.open() as line:
        wire.proxy.loses_requests = True
        assert ask(line, b"second") == b""
        wire.proxy.loses_requests = False
    wire.open().close()
    assert wire.requests == [b"first", b"first"]


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


def test_in_a_hole_nothing_passes_and_all_of_it_comes_afterwards(wire: Wire) -> None:
    with wire.open() as line:
        wire.proxy.unplug()
        line.sendall(b"second")
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(100)
        wire.proxy.plug_in()
        line.settimeout(20.0)
        assert line.recv(100) == b"second"


def test_a_half_open_connection_is_silent_and_a_new_one_works(wire: Wire) -> None:
    with wire.open() as line:
        wire.proxy.freeze()
        with wire.open() as other:  # after the freeze, which the proxy does in its turn
            line.settimeout(0.2)
            line.sendall(b"second")
            with pytest.raises(TimeoutError):
                line.recv(100)
            assert ask(other, b"third") == b"third"
    assert b"second" not in wire.requests


def test_a_reset_ends_every_connection(wire: Wire) -> None:
    with wire.open() as line:
        wire.proxy.reset()
        with pytest.raises(ConnectionResetError):
            until(lambda: ask(line, b"second") == b"never", what="the end")
    wire.open().close()
