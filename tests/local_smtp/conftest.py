"""Fixtures of the sink's tests: the sink, and clients of it."""

import json
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from local_smtp.sink import MailSink


@dataclass(frozen=True)
class Program:
    """A mail sink in its own process. Every field except `process` is from its ready line."""

    process: subprocess.Popen[str]
    smtp: str
    inbox: str
    token: str
    dir: Path

    def client(self) -> smtplib.SMTP:
        host, _, port = self.smtp.rpartition(":")
        return smtplib.SMTP(host, int(port), timeout=10)

    def get(self, path: str) -> dict:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.get(f"{self.inbox}{path}", headers=headers, timeout=20)
        return answer.raise_for_status().json()

    def options(self) -> list[str]:
        """Return command-line options for a new sink with the same folder, token and ports."""
        smtp, inbox = (address.rpartition(":")[2] for address in (self.smtp, self.inbox))
        ports = ["--smtp-port", smtp, "--inbox-port", inbox]
        return ["--dir", str(self.dir), "--token", self.token, *ports]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start_sink() -> Iterator[Callable[..., Program]]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> Program:
        command = [sys.executable, "-m", "local_smtp", "--json", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        return Program(process, ready["smtp"], ready["inbox"], ready["token"], Path(ready["dir"]))

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(15)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def listen() -> Iterator[Callable[[str, str], socket.socket]]:
    """Return a function that subscribes to an inbox's events and returns the socket, so that a test
    can stop reading or disconnect."""
    with ExitStack() as connected:

        def listen(inbox: str, token: str) -> socket.socket:
            host, _, port = inbox.removeprefix("http://").rpartition(":")
            client = connected.enter_context(socket.create_connection((host, int(port))))
            head = f"GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}"
            client.sendall(f"{head}\r\n\r\n".encode())
            received = b""
            # the first event may arrive later than the head of the response
            while b"here" not in received:
                received += client.recv(4096)
            return client

        yield listen


@pytest.fixture
def smtp(mail_sink: MailSink) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", mail_sink.smtp_port, timeout=10) as client:
        yield client


@pytest.fixture
def send(mail_sink: MailSink) -> Callable[..., None]:
    def send(
        subject: str = "Hello",
        *,
        message_id: str | None = None,
        sender: str = "blog@example.test",
        to: str | list[str] = "author@example.test",
        body: str = "A mail.\n",
        html: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        mail = EmailMessage()
        mail["Subject"] = subject
        mail["From"] = sender
        mail["To"] = to if isinstance(to, str) else ", ".join(to)
        if message_id is not None:
            mail["Message-ID"] = message_id
        for name, value in (headers or {}).items():
            mail[name] = value
        mail.set_content(body)
        if html is not None:
            mail.add_alternative(html, subtype="html")
        with smtplib.SMTP("127.0.0.1", mail_sink.smtp_port, timeout=10) as client:
            client.send_message(mail, from_addr=sender, to_addrs=to)

    return send


@pytest.fixture
def http(mail_sink: MailSink) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {mail_sink.settings.token}"}
    with httpx.Client(base_url=mail_sink.inbox, headers=headers, timeout=10) as client:
        yield client
