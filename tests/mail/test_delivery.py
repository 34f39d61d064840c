"""Tests that only a reply about the mail itself can reject the mail; other errors defer it."""

from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from mail.sample import Received, a_mail, serving

from demo_app.mail import delivery
from demo_app.mail.connection import MailDeferred, MailRefused
from demo_app.mail.delivery import deliver
from demo_app.settings import Settings
from local_smtp.fault_rules import Fault
from local_smtp.sink import MailSink

MAIL = a_mail()


@pytest.fixture(autouse=True)
def new_connection():
    delivery._drop()
    yield
    delivery._drop()


def send_to(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(delivery, "settings", lambda: Settings(smtp_url=url))


def answering(sink: MailSink, at: Any, code: int, times: int | None = None) -> None:
    sink.faults.put([Fault(at=at, do="answer", code=code, text="no", times=times)])


@pytest.mark.parametrize("step", ["connect", "ehlo"])
@pytest.mark.parametrize("code", [421, 550, 554])
def test_a_server_that_refuses_all_clients_rejects_no_mail(mail_sink, monkeypatch, step, code):
    send_to(monkeypatch, f"smtp://{mail_sink.smtp}")
    answering(mail_sink, step, code)
    with pytest.raises(MailDeferred, match=str(code)):
        deliver(MAIL)
    mail_sink.faults.put([])
    deliver(MAIL)
    assert len(mail_sink.wait_for(1)) == 1


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "reply"])
@pytest.mark.parametrize(
    ("code", "ends"), [(550, MailRefused), (451, MailDeferred), (530, MailDeferred)]
)
def test_a_permanent_error_about_the_mail_rejects_it(mail_sink, monkeypatch, step, code, ends):
    send_to(monkeypatch, f"smtp://{mail_sink.smtp}")
    answering(mail_sink, step, code)
    with pytest.raises(ends, match=f"replied {code}"):
        deliver(MAIL)


def test_a_closed_connection_between_two_mails_costs_no_try(mail_sink, monkeypatch):
    send_to(monkeypatch, f"smtp://{mail_sink.smtp}")
    deliver(MAIL)
    answering(mail_sink, "mail", 421, times=1)
    deliver(MAIL)
    assert mail_sink.stats().accepted == 2


def test_a_wrong_password_rejects_no_mail(monkeypatch):
    never = AuthResult(success=False, handled=False)
    with serving(authenticator=lambda *_: never, auth_require_tls=False) as (address, _):
        send_to(monkeypatch, f"smtp://somebody:wrong@{address}")
        with pytest.raises(MailDeferred, match="rejected this client: 535"):
            deliver(MAIL)


@pytest.mark.parametrize(
    ("url", "reason"),
    [("smtp://127.0.0.1:1", "did not answer"), ("smtp://mail..example", "can't be used: .*idna")],
)
def test_a_server_that_cannot_be_reached_rejects_no_mail(monkeypatch, url, reason):
    send_to(monkeypatch, url)
    with pytest.raises(MailDeferred, match=reason):
        deliver(MAIL)


def test_a_server_that_forwards_the_mail_has_accepted_it(monkeypatch):
    with serving() as (address, received):
        send_to(monkeypatch, f"smtp://{address}")

        async def forward(received, server, session, envelope, recipient, options):
            envelope.rcpt_tos.append(recipient)
            return "251 2.1.5 User not local; will forward"

        monkeypatch.setattr(Received, "handle_RCPT", forward, raising=False)
        deliver(MAIL)
        assert len(received) == 1
