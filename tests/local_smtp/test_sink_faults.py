"""Tests of every fault, as a client sees it."""

import smtplib
import time

import pytest
from pydantic import ValidationError
from support import patience

from local_smtp.fault_rules import KNOWN_AT, Fault, Match
from local_smtp.faults import Faults
from local_smtp.session import Session
from local_smtp.sink import MailSink

MAIL = b"Subject: weekly report\r\nMessage-ID: <1@example.test>\r\n\r\nhi\r\n"


def connect(sink: MailSink, timeout: float = 10) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=timeout)


def deliver(sink: MailSink, timeout: float = 10) -> None:
    with connect(sink, timeout) as client:
        client.sendmail("a@example.test", ["b@example.test"], MAIL)


REFUSAL_AT = {
    "connect": smtplib.SMTPConnectError,
    "ehlo": smtplib.SMTPHeloError,
    "mail": smtplib.SMTPSenderRefused,
    "rcpt": smtplib.SMTPRecipientsRefused,
    "data": smtplib.SMTPDataError,
    "reply": smtplib.SMTPDataError,
}


@pytest.mark.parametrize("step", KNOWN_AT)
@pytest.mark.parametrize("code", [421, 450, 554])
def test_answer_refuses_at_its_step_with_its_code_and_text(mail_sink, step, code):
    mail_sink.faults.put([Fault(at=step, do="answer", code=code, text="not today")])
    with pytest.raises(REFUSAL_AT[step], match=rf"{code}.*not today"):
        deliver(mail_sink)
    assert mail_sink.mails() == []
    assert mail_sink.stats().refused == 1
    mail_sink.faults.put([])
    deliver(mail_sink)
    assert len(mail_sink.mails()) == 1


@pytest.mark.parametrize("step", KNOWN_AT)
def test_wait_goes_on_afterwards(mail_sink, step):
    mail_sink.faults.put([Fault(at=step, do="wait", seconds=0.2)])
    started = time.monotonic()
    deliver(mail_sink)
    assert time.monotonic() - started >= 0.2
    assert len(mail_sink.mails()) == 1


@pytest.mark.parametrize("step", KNOWN_AT)
def test_close_closes_the_connection_without_a_word(mail_sink, step):
    mail_sink.faults.put([Fault(at=step, do="close", times=1)])
    with pytest.raises(smtplib.SMTPServerDisconnected):
        deliver(mail_sink)
    assert mail_sink.mails() == []
    deliver(mail_sink)
    assert len(mail_sink.mails()) == 1


@pytest.mark.parametrize("step", KNOWN_AT)
def test_hang_says_nothing_until_the_client_gives_up(mail_sink, step):
    mail_sink.faults.put([Fault(at=step, do="hang", times=1)])
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected), match="timed out"):
        deliver(mail_sink, timeout=patience(1.0))
    assert mail_sink.mails() == []
    deliver(mail_sink)
    assert len(mail_sink.mails()) == 1


def test_drop_reply_stores_the_mail_and_a_second_try_is_its_duplicate(mail_sink):
    mail_sink.faults.put([Fault(at="reply", do="drop_reply", times=1)])
    with pytest.raises(smtplib.SMTPServerDisconnected):
        deliver(mail_sink)
    deliver(mail_sink)
    (mail,) = mail_sink.mails()
    stats = mail_sink.stats()
    assert (stats.accepted, stats.distinct, stats.duplicates) == (2, 1, 1)
    first, second = mail_sink.reader.deliveries(mail.id)
    assert first.replied_at is None
    hit = ("#", "rule 1, at reply: store it, then drop the reply")
    assert [hit in [line[1:] for line in one.dialogue] for one in (first, second)] == [True, False]


def test_lose_answers_250_and_stores_nothing(mail_sink):
    mail_sink.faults.put([Fault(at="reply", do="lose", times=1)])
    deliver(mail_sink)
    assert mail_sink.mails() == []
    assert mail_sink.stats().accepted == 0
    assert mail_sink.faults.in_force()[0].hits == 1
    deliver(mail_sink)
    assert len(mail_sink.mails()) == 1


def test_the_first_rule_that_matches_wins(mail_sink):
    mail_sink.faults.put(
        [
            Fault(at="rcpt", do="answer", code=450, match=Match(to="x@*")),
            Fault(at="rcpt", do="answer", code=451, match=Match(to="*@EXAMPLE.test")),
            Fault(at="rcpt", do="answer", code=452),
        ]
    )
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="451"):
        deliver(mail_sink)


def test_mails_of_one_connection_are_each_counted_when_refused(mail_sink):
    mail_sink.faults.put([Fault(at="mail", do="answer", times=2), Fault(at="rcpt", do="answer")])
    with connect(mail_sink) as client:
        client.ehlo()
        for _ in range(3):
            client.mail("a@x.test")
        client.rcpt("b@x.test")
        client.rcpt("c@x.test")
    assert mail_sink.stats().refused == 3


def test_a_recipient_is_refused_alone(mail_sink):
    mail_sink.faults.put([Fault(at="rcpt", do="answer", match=Match(to="b@*"))])
    with connect(mail_sink) as client:
        refused = client.sendmail("a@x.test", ["a@x.test", "b@x.test", "c@x.test"], MAIL)
    assert list(refused) == ["b@x.test"]
    assert mail_sink.mails()[0].recipients == ["a@x.test", "c@x.test"]


def test_a_refusal_is_blamed_on_a_rule_only_if_the_rule_refused(mail_sink, monkeypatch):
    blamed = []
    monkeypatch.setattr(
        Session, "report", lambda _, hit, reply=None: blamed.append((hit and hit.do, reply))
    )
    rules = [Fault(at="rcpt", do="answer", text="no", times=1), Fault(at="rcpt", do="wait")]
    mail_sink.faults.put([rule.model_copy(update={"seconds": 0}) for rule in rules])
    with connect(mail_sink) as client:
        client.ehlo()
        client.mail("a@x.test")
        for address in ("b@x.test", "<>", "b@x.test", "<>"):
            client.rcpt(address)
    not_an_address = (None, "553 5.1.3 Not an address")
    assert blamed == [("answer", "451 no"), not_an_address, ("wait", None), not_an_address]


def test_a_mail_is_matched_by_sender_recipient_and_subject():
    rule = Match(sender="*@blog.*", to="[ab]@*", subject="*REPORT*")
    assert rule.takes("x@blog.test", ["z@x.test", "b@x.test"], "Weekly report")
    assert not rule.takes("x@shop.test", ["b@x.test"], "Weekly report")
    assert not rule.takes("x@blog.test", ["z@x.test"], "Weekly report")
    assert not rule.takes("x@blog.test", ["b@x.test"], "Hello")


def hits_of(fault: Fault, mails: int = 100) -> list[int]:
    faults = Faults()
    faults.put([fault])
    return [number for number in range(1, mails + 1) if faults.hit(fault.at)]


@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        ({"match": {"nth": 3}}, [3]), ({"match": {"every": 25}}, [25, 50, 75, 100]),
        ({"times": 2}, [1, 2]), ({"times": 0}, []), ({"probability": 0}, []),
    ],
)  # fmt: skip
def test_a_count_says_which_mails_are_hit(rule, hit):
    assert hits_of(Fault(at="connect", do="close", **rule)) == hit


def test_the_same_seed_draws_the_same_mails():
    def fault(seed: int) -> Fault:
        return Fault(at="connect", do="close", probability=0.3, seed=seed)

    assert hits_of(fault(7)) == hits_of(fault(7))
    assert hits_of(fault(7)) != hits_of(fault(8))
    assert 15 < len(hits_of(fault(7))) < 45


def test_a_rule_put_back_keeps_its_count_and_a_changed_one_does_not():
    faults = Faults()
    (rule,) = faults.put([Fault(at="connect", do="close")])
    faults.hit("connect")
    (kept,) = faults.put([rule])
    assert (kept.id, kept.hits) == (rule.id, 1)
    (changed,) = faults.put([rule.model_copy(update={"do": "hang"})])
    assert changed.id != rule.id
    assert changed.hits == 0


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"at": "mail", "do": "lose"}, 'it needs "at": "reply"'),
        ({"at": "data", "do": "drop_reply"}, 'it needs "at": "reply"'),
        ({"at": "connect", "do": "close", "match": {"from": "a@*"}}, "not known yet"),
        ({"at": "rcpt", "do": "close", "match": {"subject": "a"}}, "not known yet"),
        ({"at": "rcpt", "do": "answer", "code": 250}, "400"),
        ({"at": "rcpt", "do": "answer", "text": "two\r\nlines"}, "pattern"),
        ({"at": "rcpt", "do": "answer", "probability": 2}, "less than or equal to 1"),
        ({"at": "rcpt", "do": "explode"}, "drop_reply"),
        ({"at": "rcpt", "do": "close", "colour": "red"}, "not permitted"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule, error):
    with pytest.raises(ValidationError, match=error):
        Fault.model_validate(rule)
