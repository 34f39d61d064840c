"""Tests of a process's connections: after a restart of the server, an interrupt or a fork."""

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from unittest.mock import Mock

import pytest
from redis.connection import UnixDomainSocketConnection
from support import client_of, message, run_python

from demo_app.broker import lua
from demo_app.broker.queue import Queue
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.redis_server import RedisServer


def test_each_script_calls_all_its_functions(store: Queue) -> None:
    for file in (files("demo_app.broker") / "scripts").iterdir():
        name, _, ending = file.name.partition(".")
        if ending == "lua" and name[0] != "_":
            text = store.scripts.registered(name).script
            for function in re.findall(r"^local function (\w+)", text, re.MULTILINE):
                assert len(re.findall(rf"\b{function}\(", text)) > 1, (name, function)


def test_a_process_without_a_free_descriptor_ends_its_jobs(redis_url: str) -> None:
    """The process opens no file for its first job: it has already read all scripts."""
    program = f"""
import resource
from demo_app.broker.claim import Disposition
from demo_app.broker.queue import Queue
from support import client_of, message
store = Queue(client_of({redis_url!r}))
store.register("w", 60_000, "{{}}")  # opens the connection
resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
store.enqueue(message())
[claimed] = store.claim("w", ["mail"])
assert store.finish(claimed.claim, Disposition.DONE).in_time
"""
    ended = run_python("-c", program, cwd=Path(__file__).parent.parent)
    assert ended.returncode == 0, ended.stderr


def test_a_server_that_was_started_again_is_used_at_once() -> None:
    with ProcessGroup() as group, RedisServer(group) as server:
        store = Queue(client_of(server.url))
        assert store.enqueue(message(1))
        server.start()
        assert store.enqueue(message(2))
        assert store.snapshot().count["queued"] == 2


def test_an_interrupt_drops_the_connection(store: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same connection, the next command would read the reply to the interrupted one."""
    store.register("w", 60_000, "{}")
    assert store.beat("w", 60_000, "{}").send(), "the server knows the script by now"

    interrupted = Mock(side_effect=KeyboardInterrupt)
    with monkeypatch.context() as patch:
        patch.setattr(UnixDomainSocketConnection, "read_response", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.beat("w", 60_000, "{}").send()
    assert store.snapshot().count["queued"] == 0, "this is not the reply to `beat`"


def test_a_forked_process_does_not_share_its_parents_connection(store: Queue) -> None:
    assert store.enqueue(message(1))
    before = _connections(store)
    child = os.fork()
    if child == 0:
        os._exit(0 if store.enqueue(message(2)) and _connections(store) - before else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.snapshot().count["queued"] == 2


def test_threads_share_a_few_connections(store: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lua, "_PATIENCE", 60.0)  # a busy machine may need longer than a second
    together = threading.Barrier(60)

    def enqueue(number: int) -> None:
        together.wait()
        for part in range(5):
            store.enqueue(message(5 * number + part))

    with ThreadPoolExecutor(60) as threads:
        list(threads.map(enqueue, range(60)))
        assert 1 <= len(_connections(store)) <= lua.CONNECTIONS
    assert store.snapshot().count["queued"] == 300


def test_a_thread_needs_no_free_connection(store: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other threads can hold all connections while they wait for a server that does not reply. The
    rounds open over 100 connections: redis-py counts closed ones too, and by default allows 100."""
    monkeypatch.setattr(lua, "_PATIENCE", 0.0)
    shared = store.scripts._connections
    for number in range(5):
        borrowed = [shared.borrow() for _ in range(lua.CONNECTIONS + 30)]
        assert store.enqueue(message(number))
        for connection in borrowed:
            shared.give_back(connection)
    assert store.size(["mail"]) == 5
    assert shared._idle.qsize() == lua.CONNECTIONS


def _connections(store: Queue) -> set[str]:
    return {c["id"] for c in store.client.client_list() if c["cmd"] == "evalsha"}
