"""Tests that a stack starts, restarts its processes, resumes, and leaves nothing behind."""

import os
import resource
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import pytest
from support import allow_death_checks, client_of, gone, pids_of, redis_running, refuses, until

from demo_app.broker.queue import Queue
from demo_app.commands.doctor import results
from demo_app.rig import ports
from demo_app.settings import known_backends
from demo_app.stack import Stack, StackError, supervisor
from demo_app.stack.client import Client
from demo_app.stack.folder import Folder


def test_a_stack_that_reports_ready_answers_and_leaves_no_process_or_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # not for this machine's own ports
    with Stack() as stack:
        ready = stack.ready
        with Client(ready) as client:
            client.comment()
            assert client.wait_for_mails(1)["distinct"] == 1
        numbers = {role: len(pids) for role, pids in ready["pids"].items()}
        assert numbers == {"redis": 1, "smtp": 1, "web": 1, "worker": 1}
        sessions = {os.getsid(pid) for pid in pids_of(ready)}
        assert len(sessions) == 4, "each process has a session of its own"
        assert os.getsid(0) not in sessions
        socket_path = Path(ready["redis"].removeprefix("redis+socket://"))
        assert socket_path.parent.stat().st_mode & 0o777 == 0o700
    assert gone(*pids_of(ready))
    assert all(refuses(int(ready[name].rpartition(":")[2])) for name in ("web", "inbox", "smtp"))
    assert not Path(ready["dir"]).exists()


@pytest.mark.thorough
def test_started_again_on_the_same_folder_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """The folder's path is too long for a socket's path, so the stack puts the socket elsewhere.
    The web app dies once at its start, and must be restarted."""
    folder = tmp_path / ("long" * 30)
    with Stack(dir=folder, workers=0) as stack, Client(stack.ready) as client:
        socket_path = Path(stack.ready["redis"].removeprefix("redis+socket://"))
        assert len(str(socket_path)) < 107
        assert socket_path.parent.stat().st_mode & 0o777 == 0o700
        for _ in range(5):
            client.comment()
        client.wait_for(lambda now: now["queued"] == 5)
        token = stack.ready["token"]
        stack.kill("redis", restart=False)
        client.comment()  # this comment waits in the outbox until the stack is started again
    assert not socket_path.parent.exists()
    dies_once = {"DEMO_DIE_AT": "outbox_read:1"}
    with Stack(dir=folder, environment=dies_once) as stack, Client(stack.ready) as client:
        assert stack.ready["token"] == token
        assert client.wait_for_mails(6)["distinct"] == 6
        assert client.wait_for(lambda now: now["done"] == 6)["enqueued"] == 6


Watched = tuple[Stack, Client, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    """Yield a stack that each test leaves intact, a client, and the stack's events.

    The stack's listener raises an error at each event, which must not stop the supervision.
    """
    events: list[dict[str, Any]] = []

    def listen(event: dict[str, Any]) -> None:
        events.append(event)
        raise BrokenPipeError("the reader of the events has gone")

    with Stack(on_event=listen) as stack, Client(stack.ready) as client:
        yield stack, client, events


def _is_mailed(client: Client) -> None:
    before = client.mail_stats()["distinct"]
    client.comment()
    assert client.wait_for_mails(before + 1)["distinct"] == before + 1


@pytest.mark.parametrize("role", ["redis", "smtp", "web", "worker"])
def test_a_killed_process_is_started_again(watched: Watched, role: str) -> None:
    stack, client, events = watched
    events.clear()
    (victim,) = stack.kill(role)
    until(lambda: len(events) == 2, what="the restart")
    (successor,) = stack.ready["pids"][role]
    assert events == [
        {"event": "died", "role": role, "pid": victim},
        {"event": "started", "role": role, "pid": successor},
    ]
    _is_mailed(client)


def test_a_death_that_is_reported_frees_its_jobs_long_before_the_lease_ends() -> None:
    lease = 600.0
    with Stack(workers=2, lease=lease, report_deaths=True) as stack, Client(stack.ready) as client:
        allow_death_checks(Queue(client.redis()), int(1000 * lease))
        client.set_faults({"at": "data", "do": "hang"})
        client.comment()
        running = client.wait_for(lambda now: now["running"] == 1)
        (pid,) = (worker["pid"] for worker in running["workers"] if worker["running"])
        client.set_faults()
        stack.kill("worker", pid=pid)
        assert client.wait_for_mails(1)["distinct"] == 1


def test_a_slow_report_does_not_start_a_process_twice() -> None:
    reporting, free = threading.Event(), threading.Event()
    reporters = []

    def report(event: dict[str, Any]) -> None:
        if event["event"] == "died":
            reporters.append(threading.current_thread())
            reporting.set()
            free.wait(60)

    with Stack(on_event=report) as stack:
        stack.kill("worker", restart=False)
        assert reporting.wait(60)
        stack.start("worker")
        free.set()
        reporters[0].join(60)
        assert len(stack.ready["pids"]["worker"]) == 1


def test_starting_what_is_being_started_again_makes_no_second_one(watched: Watched) -> None:
    stack, client, events = watched
    events.clear()
    stack.kill("web")
    stack.start("web")
    assert len(stack.ready["pids"]["web"]) == 1
    _is_mailed(client)
    until(lambda: [event["event"] for event in events] == ["died", "started"], what="the news")


def test_an_external_redis_is_used_and_left_running() -> None:
    with redis_running() as url:
        with Stack(redis_url=url) as stack, Client(stack.ready) as client:
            assert stack.ready["pids"]["redis"] == []
            client.comment()
            client.wait_for(lambda now: now["done"] == 1)
        assert client_of(url).zcard("done") == 1


@pytest.mark.thorough
@pytest.mark.parametrize("role", ["worker", "redis"])
def test_a_process_that_cannot_be_started_for_a_while_is_started_later(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """Redis has an outage, which ends while it can't be started."""
    stack, client, events = watched
    events.clear()
    monkeypatch.setattr(supervisor, "OUTAGE_SECONDS", 0.1)
    end = stack.kill if role == "worker" else stack._running().outage
    ending = threading.Thread(target=end, args=(role,))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))  # no free descriptor
    try:
        ending.start()
        until(lambda: len(events) >= 2, what="the first try")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [event["event"] for event in events[:2]] == ["died", "trouble"]
    assert "can't be started" in str(events[1]["what"])
    until(lambda: events[-1]["event"] == "started", what="a later try")
    ending.join()
    _is_mailed(client)


def _fails(expected: str, **options: Any) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with pytest.raises(StackError, match=expected), Stack(**options):
        pass
    left = {child.pid for child in psutil.Process().children(recursive=True)} - before
    assert not left, "a stack that can't start leaves nothing running"


def test_a_stack_that_can_not_start_keeps_no_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = ports.take(0, "a test")
        ports.release(free)
        with pytest.raises(StackError), Stack(web_port=free, smtp_port=taken.getsockname()[1]):
            pass
    with socket.socket() as other:
        other.bind(("127.0.0.1", free))


def test_a_port_in_use_is_reported_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for name in ("web_port", "inbox_port", "smtp_port"):
            _fails(f"The port {port}.*is in use", **{name: port})
    _fails(f"The port {port} for the inbox is in use", web_port=port, inbox_port=port)


def test_a_port_that_this_user_may_not_take_is_not_called_in_use() -> None:
    denied = patch.object(socket.socket, "bind", side_effect=PermissionError(13, "denied"))
    with denied, pytest.raises(StackError, match="port 80 for a test is reserved for"):
        ports.take(80, "a test")


def test_an_empty_file_for_the_token_gets_one(tmp_path: Path) -> None:
    (tmp_path / "token").touch()
    with closing(Folder(tmp_path)) as folder:
        assert len(folder.token()) == len(folder.token()) == 36


def test_after_a_failed_start_the_next_one_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Stack(autostart=False) as stack:
        busy = patch.object(supervisor, "Process", side_effect=OSError(11, "busy"))
        with busy, pytest.raises(StackError, match="Redis can't be started: busy"):
            stack.start("redis")
        monkeypatch.setattr(supervisor, "PATIENCE", 10.0)
        stack.start("redis")


def test_a_long_path_of_the_folder_for_temporary_files_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ("long" * 30)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("long" * 30)))
    assert ("temporary folder", True) in [(name, well) for name, _, well in results()]
    with Stack(autostart=False) as stack:
        stack.start("redis")


def test_a_folder_of_a_running_stack_is_refused_in_one_sentence(watched: Watched) -> None:
    _fails("is in use by a running stack", dir=watched[0].plan.folder.path)


def test_the_token_is_in_no_log_and_in_no_command_line(watched: Watched) -> None:
    stack, _, _ = watched
    token = stack.ready["token"]
    for log in stack.plan.folder.logs.iterdir():
        assert token not in log.read_text(), log
    for pids in stack.ready["pids"].values():
        for process in map(psutil.Process, pids):
            assert token not in " ".join(process.cmdline())


@pytest.mark.parametrize(
    ("options", "expected"),
    [  # `commands/test_up.py` has more cases
        ({"backend": "pigeons"}, f"one of {known_backends()[0]}"),
        ({"lease": 0}, "lease: .*greater than 0"),
        ({"lease": float("inf")}, "lease: .*less than or equal to 86400"),
        ({"token": "a"}, "token: .*16 to 200"),
        ({"wrokers": 2}, "wrokers"),
    ],
)
def test_an_invalid_option_is_refused_with_a_reason(options: dict[str, Any], expected: str) -> None:
    _fails(expected, **options)
