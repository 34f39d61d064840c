"""Tests of the sink's command: its start, its messages and its end."""

import gc
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from support import patience

from local_smtp.__main__ import main
from local_smtp.shared.resources import listen, why_not_private

#: The exit status of a command, and the lines of its output.
Ended = tuple[int, list[str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Ended]]:
    """Return a function that calls `main` in this process, with options that make it fail."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def run(*options: str) -> Ended:
        try:
            status = main(list(options))
        except SystemExit as ended:
            status = int(ended.code or 0)
        return status, "".join(capsys.readouterr()).splitlines()

    yield run
    gc.enable()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_the_ready_line_comes_once_both_answer_and_the_directory_that_was_given_is_kept(
    monkeypatch, start_sink, tmp_path
):
    monkeypatch.setenv("LOCAL_SMTP_TOKEN", "from-the-environment")
    sink = start_sink("--dir", str(tmp_path / "new" / "one"))
    assert sink.token == "from-the-environment", "it need not stand on a command line"
    with sink.client() as client:
        assert client.noop()[0] == 250
    assert sink.get("/api/stats")["accepted"] == 0
    assert sink.inbox.startswith("http://127.0.0.1:")
    sink.process.send_signal(signal.SIGTERM)
    assert sink.process.wait(10) == 0
    assert (tmp_path / "new" / "one" / "mail.sqlite3").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_client_that_reads_nothing_delays_neither_mails_nor_shutdown(start_sink, listen, number):
    sink = start_sink()
    listen(sink.inbox, sink.token)
    with sink.client() as client:
        for output in range(300):
            mail = f"Subject: {output} {'x' * 2000}\r\n\r\n".encode()
            client.sendmail("a@x.test", ["b@x.test"], mail)
        assert sink.get("/api/stats")["accepted"] == 300
        sink.process.send_signal(number)
        assert sink.process.wait(10) == 0
    assert not sink.dir.exists()


def test_a_reader_who_leaves_early_is_not_an_error():
    command = f"{shlex.quote(sys.executable)} -m local_smtp --json | true"
    output = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=patience(30)
    )
    assert output.stderr == ""


@pytest.mark.parametrize("option", ["--smtp-port", "--inbox-port"])
def test_a_port_that_is_taken_is_named(run, option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, [output] = run(option, port)
    assert status == 1
    assert f"Port {port} of 127.0.0.1 can't be used: Address already in use" in output
    assert option in output


@pytest.mark.parametrize("host", ["::1%nowhere", "a..b"])
def test_a_host_that_is_none_is_named(run, host):
    status, [output] = run("--host", host)
    assert (status, "Unknown error" in output) == (1, False)
    assert f"Port 0 of {host} can't be used" in output


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mail.sqlite3/below", "can't be used"),
        ("open", "chmod 700"),
        (".", "file is not a database"),
    ],
)
def test_a_directory_that_can_not_be_used_is_named(run, tmp_path, name, words):
    (tmp_path / "mail.sqlite3").write_text("no database at all, but long enough to look at" * 9)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o705)
    status, [output] = run("--dir", str(tmp_path / name))
    assert status == 1
    assert words in output


def test_a_link_is_not_private(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    assert why_not_private(tmp_path / "link").startswith("is a link")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_the_folder_of_another_user_is_not_private(tmp_path):
    os.chown(tmp_path, 12345, -1)
    assert why_not_private(tmp_path) == "belongs to another user"


@pytest.mark.parametrize(
    "options",
    [["--smtp-port", "70000"], ["--smtp-port", "x"],
     ["--token", "short"], ["--allow-host", "lab*"], ["--nonsense"]],
)  # fmt: skip
def test_a_bad_option_is_explained(run, options):
    status, output = run(*options)
    assert status == 2
    assert options[0].strip("-") in "".join(output)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has one of the two")
def test_all_addresses_of_ip_version_6_are_those_of_version_4_too():
    with listen("::", 0, "--smtp-port") as door:
        socket.create_connection(("127.0.0.1", door.getsockname()[1]), 5).close()
