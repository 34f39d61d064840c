"""The sink as a program: how it starts, what it says, how it ends."""

import os
import shlex
import signal
import socket
import subprocess
import sys

import pytest
from support import patience

SINK = [sys.executable, "-m", "local_smtp"]


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SINK, *options], capture_output=True, text=True, timeout=patience(30),
        env=os.environ | environment,
    )  # fmt: skip


def test_the_ready_line_comes_once_both_answer(start_sink):
    sink = start_sink()
    with sink.client() as client:
        assert client.noop()[0] == 250
    assert sink.get("/api/stats")["accepted"] == 0
    assert sink.inbox.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_although_clients_hang_on(start_sink, number):
    sink = start_sink()
    host, _, port = sink.smtp.rpartition(":")
    with (
        socket.create_connection((host, int(port))),
        socket.create_connection((host, int(sink.inbox.rpartition(":")[2]))) as page,
    ):
        page.sendall(
            f"GET /api/events HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {sink.token}\r\n\r\n".encode()
        )
        assert page.recv(10)
        sink.process.send_signal(number)
        assert sink.process.wait(10) == 0
    assert not sink.dir.exists()  # it was a temporary one


def test_a_reader_who_leaves_early_is_no_error():
    command = f"{shlex.quote(sys.executable)} -m local_smtp --json | true"
    told = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=patience(30)
    )
    assert told.stderr == ""


def test_a_directory_that_was_given_is_kept(start_sink, tmp_path):
    sink = start_sink("--dir", str(tmp_path / "new" / "one"))
    sink.process.send_signal(signal.SIGTERM)
    assert sink.process.wait(10) == 0
    assert (tmp_path / "new" / "one" / "mail.sqlite3").exists()


def test_after_a_kill_it_starts_at_once_on_the_same_ports(start_sink, tmp_path):
    sink = start_sink("--dir", str(tmp_path))
    ports = [sink.smtp.rpartition(":")[2], sink.inbox.rpartition(":")[2]]
    with sink.client() as client:
        client.sendmail("a@x.test", ["b@x.test"], b"hi\r\n")
        sink.kill()
    again = start_sink("--dir", str(tmp_path), "--smtp-port", ports[0], "--inbox-port", ports[1])
    assert again.get("/api/stats")["accepted"] == 1


@pytest.mark.parametrize("option", ["--smtp-port", "--inbox-port"])
def test_a_port_that_is_taken_is_named(option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run(option, port)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"Port {port} of 127.0.0.1 can't be used: Address already in use" in ended.stderr
    assert option in ended.stderr


def below_a_file(folder):
    (folder / "file").write_text("")
    return folder / "file" / "below"


def open_to_others(folder):
    folder.chmod(0o705)
    return folder


def behind_a_link(folder):
    (folder / "own").mkdir(mode=0o700)
    (folder / "link").symlink_to(folder / "own")
    return folder / "link"


def with_another_file(folder):
    (folder / "mail.sqlite3").write_text("no database at all, but long enough to look at" * 9)
    return folder


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (below_a_file, "can't be used"),
        (open_to_others, "chmod 700"),
        (behind_a_link, "is a link"),
        (with_another_file, "file is not a database"),
    ],
)
def test_a_directory_that_can_not_be_used_is_named(tmp_path, make, words):
    ended = run("--dir", str(make(tmp_path)))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert words in ended.stderr


def test_a_directory_in_use_is_named(start_sink):
    sink = start_sink()
    ended = run("--dir", str(sink.dir))
    assert ended.returncode == 1
    assert "Another mail sink runs on" in ended.stderr


@pytest.mark.parametrize(
    "options",
    [["--smtp-port", "70000"], ["--smtp-port", "x"],
     ["--token", "short"], ["--nonsense"]],
)  # fmt: skip
def test_a_bad_option_is_explained(options):
    ended = run(*options)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert options[0].strip("-") in ended.stderr


def test_help_names_every_option():
    ended = run("--help")
    assert ended.returncode == 0
    for option in ("--host", "--smtp-port", "--inbox-port", "--dir", "--json", "--token"):
        assert option in ended.stdout


def test_the_token_need_not_stand_on_a_command_line(monkeypatch, start_sink):
    monkeypatch.setenv("LOCAL_SMTP_TOKEN", "from-the-environment")
    assert start_sink().token == "from-the-environment"


def test_a_stopped_client_holds_nothing_up(start_sink):
    """A client that reads nothing of what it asked for delays neither mails nor the end."""
    sink = start_sink()
    port = int(sink.inbox.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as lazy:
        lazy.sendall(
            f"GET /api/events HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {sink.token}\r\n\r\n".encode()
        )
        with sink.client() as client:
            for number in range(300):
                mail = f"Subject: {number} {'x' * 2000}\r\n\r\n".encode()
                client.sendmail("a@x.test", ["b@x.test"], mail)
        assert sink.get("/api/stats")["accepted"] == 300
        sink.process.send_signal(signal.SIGTERM)
        assert sink.process.wait(10) == 0
