"""Tests of the sink's store: its duplicates, its dialogues, and its commit before a 250."""

import select
import smtplib
import sqlite3
import threading
from unittest.mock import Mock

import pytest
from support import until

from local_smtp.settings import Settings
from local_smtp.sink import MailSink


def test_the_reply_250_comes_after_the_commit(mail_sink, smtp):
    smtp.helo()
    smtp.mail("a@example.test")
    smtp.rcpt("b@example.test")
    smtp.docmd("DATA")
    busy, free = threading.Event(), threading.Event()
    mail_sink._writer.change(lambda _: (busy.set(), free.wait(60)))
    assert busy.wait(60)
    smtp.send("Message-ID: <1@example.test>\r\n\r\nbody\r\n.\r\n")
    until(lambda: mail_sink._writer._queue.qsize() == 1, what="a mail that waits for the writer")
    assert select.select([smtp.sock], [], [], 0)[0] == []
    free.set()
    assert smtp.getreply()[0] == 250


def test_a_mail_that_comes_again_is_one_mail_with_two_deliveries(mail_sink, send):
    send("first", message_id="<1@example.test>")
    send("again", message_id="<1@example.test>", to="other@example.test")
    (mail,) = mail_sink.mails()
    assert (mail.subject, mail.deliveries) == ("first", 2)
    first, again = mail_sink.reader.deliveries(mail.id)
    assert first.recipients == ["author@example.test"]
    assert again.recipients == ["other@example.test"]
    assert not again.same_bytes
    assert first.received_at < again.received_at


def test_mails_without_a_message_id_are_never_duplicates(mail_sink, smtp):
    for _ in range(3):
        smtp.sendmail("a@example.test", ["b@example.test"], b"Subject: same\r\n\r\n")
    assert mail_sink.stats().distinct == 3


def test_a_message_id_is_the_same_however_its_header_is_written(mail_sink, smtp):
    for header in (b"Message-ID: <x@y>", b"message-id:<x@y>", b"Message-Id:\r\n <x@y>"):
        smtp.sendmail("a@example.test", ["b@example.test"], header + b"\r\n\r\n")
    assert mail_sink.stats().distinct == 1


def test_each_mail_has_its_own_part_of_the_dialogue(mail_sink, smtp):
    smtp.sendmail("a@example.test", ["one@example.test"], b"1\r\n")
    smtp.sendmail("a@example.test", ["two@example.test"], b"2\r\n")
    dialogues = [
        " ".join(text for _, _, text in mail_sink.reader.deliveries(mail.id)[0].dialogue)
        for mail in mail_sink.mails()
    ]
    assert dialogues[0].startswith("220 ")
    assert "rcpt to:<one@example.test> 250 2.1.5 ok data 354" in dialogues[0].lower()
    assert "one@example.test" not in dialogues[1]
    assert "rcpt to:<two@example.test> 250 2.1.5 ok data 354" in dialogues[1].lower()
    times = [at for at, _, _ in mail_sink.reader.deliveries(1)[0].dialogue]
    assert times == sorted(times)


def test_when_the_disk_is_full_a_mail_is_put_off_and_nothing_is_lost(mail_sink, smtp):
    def pages(limit: int) -> None:
        pragma = f"PRAGMA max_page_count = {limit}"
        mail_sink._writer.change(lambda file: file.execute(pragma).fetchall()).result()

    smtp.sendmail("a@example.test", ["b@example.test"], b"Message-ID: <1@x>\r\n\r\n")
    pages(1)
    with pytest.raises(smtplib.SMTPDataError, match=r"452.*database or disk is full"):
        smtp.sendmail("a@example.test", ["b@example.test"], b"Subject: 2\r\n\r\n" + b"x" * 99999)
    assert len(mail_sink.mails()) == 1
    pages(1_000_000)
    smtp.sendmail("a@example.test", ["b@example.test"], b"Subject: 2\r\n\r\n" + b"x" * 99999)
    assert len(mail_sink.mails()) == 2
    assert mail_sink.stats().refused == 1


def test_a_full_disk_is_named_to_who_deletes_all_mails(http, monkeypatch):
    fail = Mock(side_effect=sqlite3.OperationalError("database or disk is full"))
    monkeypatch.setattr("local_smtp.store.statements.delete_all", fail)
    answer = http.delete("/api/messages")
    assert answer.status_code == 503
    assert "database or disk is full" in answer.json()["detail"]


def test_a_note_is_stored_later_if_the_commit_that_contains_it_fails(mail_sink):
    writer, free = mail_sink._writer, threading.Event()
    writer.change(lambda _: free.wait(60))  # so that the note joins the commit that fails
    writer.later(lambda connection: connection.execute("UPDATE counters SET value = 7"))
    failing = writer.change(Mock(side_effect=sqlite3.OperationalError("disk I/O error")))
    free.set()
    with pytest.raises(sqlite3.OperationalError):
        failing.result(60)
    writer.catch_up()
    assert mail_sink.stats().refused == 7


def test_a_stopped_sink_is_named_as_the_reason_and_nobody_waits(tmp_path):
    with MailSink(Settings(dir=tmp_path / "mail")) as sink:
        pass
    with pytest.raises(sqlite3.ProgrammingError, match="has stopped"):
        sink.stats()
