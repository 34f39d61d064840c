"""Many clients, slow clients and large mails shut nobody out, and fit into the memory there is."""

import resource
import smtplib
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import psutil
import pytest

from local_smtp import bounds

WAIT = 15  # seconds on a machine that is busy; an idle one needs less than 2
DESCRIPTORS = 1024
ENVELOPE = b"EHLO test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sets another process' limits")


@pytest.fixture
def sink(start_sink):
    """A sink with 1,024 descriptors, in a test that may open more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * DESCRIPTORS), hard))
    program = start_sink()
    resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    yield program
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def clients(address: str, count: int, *said: bytes) -> Iterator[list[socket.socket]]:
    """Many clients that each say something, without waiting for an answer, and no more."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    with ExitStack() as stack:
        connected = []
        for _ in range(count):
            client = socket.create_connection((host, int(port)), timeout=WAIT)
            connected.append(stack.enter_context(client))
            with suppress(OSError):  # this one had to go already
                for words in said:
                    client.sendall(words)
        yield connected


def an_honest_mail_is_stored(sink) -> None:
    before = sink.get("/api/stats")["accepted"]
    with smtplib.SMTP(*sink.smtp.rsplit(":", 1), timeout=WAIT) as client:
        client.sendmail("a@x.test", ["b@x.test"], b"Subject: honest\r\n\r\nhi\r\n")
    assert sink.get("/api/stats")["accepted"] == before + 1


def an_honest_reader_is_answered(sink) -> None:
    headers = {"Authorization": f"Bearer {sink.token}"}
    assert httpx.get(f"{sink.inbox}/", headers=headers, timeout=WAIT).status_code == 200


def test_1030_idle_smtp_clients_shut_nobody_out(sink):
    with clients(sink.smtp, 1030):
        an_honest_mail_is_stored(sink)
        an_honest_reader_is_answered(sink)


def test_1100_requests_that_never_end_shut_nobody_out(sink):
    with clients(sink.inbox, 1100, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "):
        an_honest_reader_is_answered(sink)
        an_honest_mail_is_stored(sink)


def test_both_doors_full_at_once_shut_nobody_out(sink):
    with clients(sink.smtp, 1030), clients(sink.inbox, 1100, b"GET / HTTP/1.1\r\n"):
        an_honest_reader_is_answered(sink)
        an_honest_mail_is_stored(sink)


def test_a_request_that_is_not_complete_in_time_is_cut_off(mail_sink, monkeypatch):
    port = int(mail_sink.inbox.rpartition(":")[2])
    monkeypatch.setattr("local_smtp.web.bounded_http.REQUEST_SECONDS", 0.1)
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        with suppress(ConnectionResetError):
            assert client.recv(100) == b""


@pytest.mark.parametrize(
    ("bound", "said"),
    [("SMTP_SECONDS", b""), ("SMTP_SECONDS", b"EHLO"), ("MAIL_SECONDS", ENVELOPE + b"half")],
)
def test_an_smtp_client_that_is_too_slow_is_cut_off(mail_sink, monkeypatch, bound, said):
    monkeypatch.setattr(bounds, bound, 0.1)
    with socket.create_connection(("127.0.0.1", mail_sink.smtp_port), timeout=WAIT) as client:
        client.sendall(said)
        with client.makefile("rb") as replies, suppress(ConnectionResetError):
            replies.read()
    assert mail_sink.mails() == []


def offer(client: smtplib.SMTP, size: int) -> int:
    """Send a mail of so many bytes; return the code of the reply."""
    client.mail("a@x.test")
    client.rcpt("b@x.test")
    return client.data(b"y" * size)[0]


def test_large_mails_that_are_never_finished_leave_room_for_others(mail_sink, send, smtp):
    half = b"x" * (bounds.MAIL_BYTES - 100_000)
    halves = bounds.LARGE_MAILS_BYTES // bounds.MAIL_BYTES
    smtp.ehlo()
    with clients(mail_sink.smtp, halves, ENVELOPE, half) as senders:
        assert 452 in (offer(smtp, 1_000_000) for _ in range(20))  # as soon as they have arrived
        send("small")
        assert mail_sink.mails()[-1].subject == "small"
        for client in senders:
            client.sendall(b"\r\n.\r\nQUIT\r\n")
            with client.makefile("rb") as replies:
                assert b"221 2.0.0 Bye" in replies.read()
    assert offer(smtp, 1_000_000) == 250


def many_commands(sink) -> None:
    said = b"EHLO test\r\n" + (b"NOOP " + b"x" * 2000 + b"\r\n") * 10 + b"RSET\r\n" * 200
    with clients(sink.smtp, 390, said):
        an_honest_mail_is_stored(sink)


def many_halves(sink) -> None:
    with clients(sink.smtp, 390, ENVELOPE, b"x" * (bounds.SMALL_MAIL_BYTES - 1000)):
        an_honest_mail_is_stored(sink)


def large_mails(sink) -> None:
    mail = b"Subject: large\r\n\r\n" + b"\r\n.x" * (bounds.MAIL_BYTES // 4 - 100)
    with clients(sink.smtp, 6, ENVELOPE, mail, b"\r\n.\r\nQUIT\r\n") as senders:
        for client in senders:
            with suppress(OSError), client.makefile("rb") as replies:
                replies.read()


def large_mails_that_are_opened(sink) -> None:
    large_mails(sink)
    for path in ("", "/html", "/raw", "/parts/0"):
        with suppress(httpx.HTTPStatusError, ValueError):
            sink.get(f"/api/messages/2{path}")


def many_heads(sink) -> None:
    with clients(sink.inbox, 390, b"GET / HTTP/1.1\r\nX-Long: ", b"x" * 15_000):
        an_honest_reader_is_answered(sink)


def many_bodies(sink) -> None:
    head = b"PUT /api/faults HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"
    with clients(sink.inbox, 390, head, b"[" * 50_000):
        an_honest_reader_is_answered(sink)


def memory(process: psutil.Process) -> int:
    """Return the bytes of memory that a process and its children have in use."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += one.memory_info().rss
    return total


@pytest.mark.parametrize(
    "attack",
    [many_commands, many_halves, large_mails, large_mails_that_are_opened, many_heads, many_bodies],
)
def test_memory_grows_by_at_most_100_mb(sink, attack):
    an_honest_mail_is_stored(sink)
    an_honest_reader_is_answered(sink)
    sink.get("/api/messages/1")
    process = psutil.Process(sink.process.pid)
    before = memory(process)
    seen = [before]
    attacking = threading.Thread(target=attack, args=(sink,))
    attacking.start()
    while attacking.is_alive():
        seen.append(memory(process))
        attacking.join(0.05)
    print(f"grew by {(max(seen) - before) // bounds.MIB} MiB")
    assert max(seen) - before < 100_000_000
    an_honest_mail_is_stored(sink)
