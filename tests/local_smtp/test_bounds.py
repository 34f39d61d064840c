"""Tests that the sink disconnects slow clients, and refuses connections above its limit."""

import select
import socket
from contextlib import suppress

import httpx
import pytest
from support import until

from local_smtp import bounds
from local_smtp.settings import Settings
from local_smtp.sink import MailSink

WAIT = 60  # seconds on a busy machine; an idle one needs less than 2
ENVELOPE = b"EHLO test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n"


@pytest.mark.parametrize("data", [b"", b"EHLO", ENVELOPE + b"half"])
def test_an_smtp_client_that_is_too_slow_is_cut_off(mail_sink, monkeypatch, data):
    monkeypatch.setattr(bounds, "SMTP_SECONDS", 0.1)
    with socket.create_connection(("127.0.0.1", mail_sink.smtp_port), timeout=WAIT) as client:
        client.sendall(data)
        with client.makefile("rb") as replies, suppress(ConnectionResetError):
            replies.read()
    assert mail_sink.mails() == []


def test_a_client_that_reads_no_answer_is_cut_off(mail_sink, monkeypatch):
    monkeypatch.setattr(bounds, "SMTP_SECONDS", 1.0)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", mail_sink.smtp_port))
        client.sendall(b"EHLO test\r\n" * 100_000)  # more replies than all buffers can store
        ended = select.poll()
        ended.register(client, 0)
        assert ended.poll(WAIT * 1000)


def test_one_connection_too_many_is_answered_with_503(tmp_path, monkeypatch):
    monkeypatch.setattr("local_smtp.servers.CONNECTIONS", 2)
    with MailSink(Settings(dir=tmp_path)) as sink:
        port = int(sink.inbox.rpartition(":")[2])
        one, other = (socket.create_connection(("127.0.0.1", port)) for _ in range(2))
        with one, other:
            until(lambda: httpx.get(sink.page).status_code == 503, what="a full inbox")
        until(lambda: httpx.get(sink.page).status_code == 303, what="a place")
