"""Many clients, slow clients and large mails shut nobody out, and fit into the memory there is."""

import resource
import select
import smtplib
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import httpx
import psutil
import pytest
from support import most_thorough

from local_smtp import bounds
from local_smtp.receiving import Budget, Share
from local_smtp.settings import Settings
from local_smtp.sink import MailSink

WAIT = 60  # seconds on a machine that is busy; an idle one needs less than 2
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


def address(sink) -> tuple[str, int]:
    host, _, port = sink.smtp.rpartition(":")
    return host, int(port)


def an_honest_mail_is_stored(sink) -> None:
    before = sink.get("/api/stats")["accepted"]
    with smtplib.SMTP(*address(sink), timeout=WAIT) as client:
        client.sendmail("a@x.test", ["b@x.test"], b"Subject: honest\r\n\r\nhi\r\n")
    assert sink.get("/api/stats")["accepted"] == before + 1


def an_honest_reader_is_answered(sink) -> None:
    headers = {"Authorization": f"Bearer {sink.token}"}
    assert httpx.get(f"{sink.inbox}/", headers=headers, timeout=WAIT).status_code == 200


def test_mails_without_end_keep_nobody_waiting(sink):
    """Each of their lines might be the last one."""
    with clients(sink.smtp, 20, ENVELOPE) as senders:
        for sender in senders:
            sender.setblocking(False)
        for _ in range(50):
            for sender in senders:
                with suppress(OSError):  # it takes no more at the moment, or has to go
                    sender.send(b"a.\r\n" * 65536)
        began = time.monotonic()
        an_honest_mail_is_stored(sink)
        assert time.monotonic() - began < WAIT / 6  # 11 seconds once, idle; 0.1 now


def test_clients_that_never_finish_shut_nobody_out(sink):
    slow = b"GET / HTTP/1.1\r\nX-Slow: "
    with clients(sink.smtp, 1030), clients(sink.inbox, 1100, slow):
        an_honest_reader_is_answered(sink)
        an_honest_mail_is_stored(sink)


def test_a_request_that_is_not_complete_in_time_is_cut_off(mail_sink, monkeypatch):
    port = int(mail_sink.inbox.rpartition(":")[2])
    monkeypatch.setattr("local_smtp.web.server.REQUEST_SECONDS", 0.1)
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
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


def test_a_client_that_reads_no_answer_is_cut_off(mail_sink, monkeypatch):
    monkeypatch.setattr(bounds, "SMTP_SECONDS", 1.0)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(address(mail_sink))
        client.sendall(b"EHLO test\r\n" * 100_000)  # whose answers no buffer takes
        ended = select.poll()
        ended.register(client, 0)
        assert ended.poll(WAIT * 1000)


def test_large_mails_that_are_never_finished_leave_room_for_others():
    budget = Budget()
    with Share(budget) as first, Share(budget) as small:
        assert first.take(bounds.MAIL_BYTES)
        assert first.take(bounds.MAIL_BYTES)  # it is told of the same bytes again
        budget.left = 0  # as many more of them would do
        assert small.take(bounds.SMALL_MAIL_BYTES)
        assert not small.take(bounds.SMALL_MAIL_BYTES + 1)
        assert not small.too_large
        assert not first.take(bounds.MAIL_BYTES + 1)
        assert first.too_large
    assert budget.left == bounds.MAIL_BYTES - bounds.SMALL_MAIL_BYTES


def test_a_large_mail_too_many_is_put_off(tmp_path, monkeypatch):
    monkeypatch.setattr("local_smtp.receiving.LARGE_MAILS_BYTES", 100_000)
    with MailSink(Settings(dir=tmp_path)) as sink, smtplib.SMTP(*address(sink)) as client:
        with pytest.raises(smtplib.SMTPDataError, match="452"):
            client.sendmail("a@x.test", ["b@x.test"], b"y" * 200_000)
        client.sendmail("a@x.test", ["b@x.test"], b"y" * bounds.SMALL_MAIL_BYTES)
        client.sendmail("a@x.test", ["b@x.test"], b"y" * 100_000)
        assert sink.stats().accepted == 2


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


def clients_that_say(door: str, count: int, *said: bytes) -> Callable[[Any], None]:
    """Many clients at one door, "smtp" or "inbox", and an honest one among them."""

    def attack(sink) -> None:
        with clients(getattr(sink, door), count, *said):
            honest = {"smtp": an_honest_mail_is_stored, "inbox": an_honest_reader_is_answered}
            honest[door](sink)

    return attack


GET, PUT = b"GET / HTTP/1.1\r\n", b"PUT /api/faults HTTP/1.1\r\nHost: localhost\r\n"
LINES = b"EHLO test\r\n" + (b"NOOP " + b"x" * 2000 + b"\r\n") * 10 + b"RSET\r\n" * 200
CHUNKS = PUT + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
ATTACKS = {
    "half a mail": clients_that_say("smtp", 390, ENVELOPE, b"x" * (bounds.SMALL_MAIL_BYTES - 1000)),
    "half a head": clients_that_say("inbox", 390, GET + b"X-Long: ", b"x" * 15_000),
    "half a body": clients_that_say(
        "inbox", 390, PUT + b"Content-Length: 60000\r\n\r\n", b"[" * 50_000
    ),
    "many commands": clients_that_say("smtp", 390, LINES),
    "many requests": clients_that_say("inbox", 390, (GET + b"\r\n") * 5000),
    "small headers": clients_that_say("inbox", 390, GET + b"a:\r\n" * 4000),
    "headers behind the body": clients_that_say("inbox", 20, CHUNKS, b"a:\r\n" * 200_000),
    "large mails": large_mails,
    "large mails that are opened": large_mails_that_are_opened,
}


def memory(process: psutil.Process) -> int:
    """Return the bytes of memory that a process and its children have in use; what a child shares
    with it is counted once."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += one.memory_full_info().pss
    return total


@pytest.mark.parametrize("name", most_thorough(ATTACKS, "half a mail", "half a head"))
def test_memory_grows_by_at_most_100_mb(sink, name):
    an_honest_mail_is_stored(sink)
    an_honest_reader_is_answered(sink)
    sink.get("/api/messages/1")
    process = psutil.Process(sink.process.pid)
    before = memory(process)
    seen = [before]
    with ThreadPoolExecutor() as attackers:
        attacking = attackers.submit(ATTACKS[name], sink)
        while not attacking.done():
            seen.append(memory(process))
            wait([attacking], 0.05)
    attacking.result()
    print(f"grew by {(max(seen) - before) // bounds.MIB} MiB")
    assert max(seen) - before < 100_000_000
    an_honest_mail_is_stored(sink)
