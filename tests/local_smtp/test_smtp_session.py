"""Tests of SMTP sessions with good and bad clients."""

import contextlib
import socket

import pytest

from local_smtp.bounds import COMMAND_BYTES, MAIL_BYTES, RECIPIENTS
from local_smtp.sink import MailSink


def conversation(sink: MailSink, *commands: bytes) -> list[bytes]:
    """Send the commands one by one. Return the first line of each reply, the greeting first."""
    answers = []
    with socket.create_connection(("127.0.0.1", sink.smtp_port), timeout=10) as connection:
        replies = connection.makefile("rb")
        for command in (b"", *commands):
            connection.sendall(command)
            line = first = replies.readline()
            while line[3:4] == b"-":
                line = replies.readline()
            answers.append(first.rstrip())
    return answers


ENVELOPE = (
    b"EHLO test\r\n",
    b"MAIL FROM:<a@example.test>\r\n",
    b"RCPT TO:<b@example.test>\r\n",
    b"DATA\r\n",
)


def only_mail(sink: MailSink) -> bytes:
    (mail,) = sink.mails()
    raw = sink.reader.raw(mail.id)
    assert raw is not None
    return raw


def test_a_mail_is_kept_as_its_bytes_were(mail_sink, smtp):
    raw = b"Subject: caf\xc3\xa9\r\n\r\n.a dot\r\n..two dots\r\n\xff\x00 no text at all\r\n"
    smtp.sendmail("a@example.test", ["b@example.test"], raw)
    assert only_mail(mail_sink) == raw


def test_an_empty_mail_is_a_mail(mail_sink):
    assert conversation(mail_sink, *ENVELOPE, b".\r\n")[-1].startswith(b"250")
    assert only_mail(mail_sink) == b""


def test_it_announces_what_it_can(smtp):
    smtp.ehlo()
    assert smtp.esmtp_features["size"] == str(MAIL_BYTES)
    assert smtp.has_extn("8bitmime")
    assert smtp.has_extn("smtputf8")
    assert not smtp.has_extn("starttls")


@pytest.mark.parametrize(
    "address",
    ['"two words"@example.test', "a+tag@example.test", "a@[127.0.0.1]", "a..b@x", "読者@例え.test"],
)
def test_odd_addresses_are_taken(mail_sink, smtp, address):
    smtp.sendmail(address, [address], b"hi\r\n", mail_options=["SMTPUTF8"])
    (mail,) = mail_sink.mails()
    assert (mail.sender, mail.recipients) == (address, [address])


def test_a_bounce_has_no_sender(mail_sink, smtp):
    smtp.sendmail("", ["b@example.test"], b"Subject: bounced\r\n\r\n")
    assert mail_sink.mails()[0].sender == ""


def test_the_largest_mail_is_taken_whole_though_it_is_one_line(mail_sink, smtp):
    mail = b"Subject: " + b"x" * (MAIL_BYTES - 11) + b"\r\n"
    smtp.sendmail("a@example.test", ["b@example.test"], mail)
    assert only_mail(mail_sink) == mail


def test_a_too_large_mail_is_refused_when_its_size_is_announced(mail_sink, smtp):
    smtp.ehlo()
    code, _ = smtp.docmd("MAIL", f"FROM:<a@example.test> SIZE={MAIL_BYTES + 1}")
    assert code == 552


def test_a_too_large_mail_is_refused_after_its_data_and_the_connection_stays_open(mail_sink, smtp):
    smtp.ehlo()
    smtp.mail("a@example.test")
    smtp.rcpt("b@example.test")
    assert smtp.data(b"x" * (MAIL_BYTES + 1))[0] == 552
    smtp.sendmail("a@example.test", ["b@example.test"], b"the next one\r\n")
    assert only_mail(mail_sink) == b"the next one\r\n"
    assert mail_sink.stats().refused == 1


def test_one_recipient_too_many_is_refused(mail_sink, smtp):
    recipients = [f"r{number}@example.test" for number in range(RECIPIENTS + 1)]
    refused = smtp.sendmail("a@example.test", recipients, b"hi\r\n")
    assert list(refused) == recipients[-1:]
    assert refused[recipients[-1]][0] == 452
    assert mail_sink.mails()[0].recipients == recipients[:-1]


@pytest.mark.parametrize(
    "end",
    [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\r\n\0.\r\n"],
    ids=repr,
)
def test_nothing_but_crlf_dot_crlf_ends_a_mail(mail_sink, end):
    """SMTP smuggling: some servers end the mail at `end`, and accept the rest as a second mail."""
    smuggled = b"MAIL FROM:<evil@example.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\nevil"
    mail = b"Subject: one\r\n\r\nbody" + end + smuggled
    answers = conversation(mail_sink, *ENVELOPE, mail + b"\r\n.\r\n", b"NOOP\r\n")
    assert [answer[:3] for answer in answers[-2:]] == [b"250", b"250"]
    assert only_mail(mail_sink).startswith(b"Subject: one\r\n\r\nbody")
    assert b"evil@example.test" in only_mail(mail_sink)


def test_an_end_that_comes_in_pieces_is_seen(mail_sink):
    with socket.create_connection(("127.0.0.1", mail_sink.smtp_port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = connection.makefile("rb")
        replies.readline()
        connection.sendall(b"HELO test\r\n")
        replies.readline()
        for command in ENVELOPE[1:]:
            connection.sendall(command)
            replies.readline()
        for byte in b"body\r\n..\r\n.\r\n":
            connection.sendall(bytes([byte]))
        assert replies.readline().startswith(b"250")
    assert only_mail(mail_sink) == b"body\r\n.\r\n"


@pytest.mark.parametrize(
    "nonsense",
    [b"MAIL FROM:<a@[>\r\n", b"MAIL FROM:<\r\n", b"\xff\xfe\r\n", b"\r\n", b"MAIL\r\n",
     b"MAIL FROM:<" + b"(" * 400 + b">\r\n", b"AUTH PLAIN ====\r\n", b"RCPT TO:<b@x>\r\n",
     b"DATA\r\n", b"MAIL TO:<a@x>\r\n", b"MAIL FROM:<a@x> SIZE=x\r\n", b"EHLO\r\n",
     b"MAIL FROM:<a@x> WISH=1\r\n", b"MAIL FROM:<" + b"a" * 400 + b"@x>\r\n"],
    ids=lambda words: repr(words[:20]),
)  # fmt: skip
def test_nonsense_is_answered_and_the_connection_goes_on(mail_sink, nonsense):
    answers = conversation(mail_sink, b"EHLO test\r\n", nonsense, b"NOOP\r\n")
    assert answers[-2][:1] == b"5"
    assert answers[-1][:3] == b"250"


def test_a_command_that_is_not_utf_8_does_not_spoil_the_next_mail(mail_sink):
    answers = conversation(mail_sink, b"VRFY \xff\r\n", *ENVELOPE, b".\r\n")
    assert answers[-1][:3] == b"250"


def test_help_lists_the_commands(mail_sink):
    assert b" MAIL RCPT DATA " in conversation(mail_sink, b"HELP MAIL\r\n")[-1]


@pytest.mark.parametrize("greeting", [b"HELO test\r\n", b"EHLO test\r\n"])
def test_a_command_may_have_as_many_bytes_as_its_limit_says(mail_sink, greeting):
    command = b"NOOP " + b"x" * (COMMAND_BYTES - 5) + b"\r\n"
    assert conversation(mail_sink, greeting, command)[-1] == b"250 OK"


@pytest.mark.parametrize(
    ("line", "reply"),
    [(b"X" * 3000, b"500 "),
     *((b"%s / HTTP/1.1" % method, b"421 ")
       for method in (b"GET", b"POST", b"PUT", b"OPTIONS", b"delete"))],
    ids=lambda words: repr(words[:10]),
)  # fmt: skip
def test_a_page_cannot_send_a_mail_through_a_browser(mail_sink, line, reply):
    """A web page chooses the URL and the body of an HTTP request: here it is an SMTP dialogue.

    A long URL must not be cut off and its rest read as commands.
    """
    mail = b"".join(ENVELOPE) + b"Subject: from a page\r\n\r\n.\r\nQUIT\r\n"
    lines: list[bytes] = []
    with socket.create_connection(("127.0.0.1", mail_sink.smtp_port), timeout=20) as connection:
        connection.sendall(line + b"\r\nHost: 127.0.0.1\r\n\r\n" + mail)
        # after a reset, the last lines may be missing
        with connection.makefile("rb") as replies, contextlib.suppress(ConnectionResetError):
            lines.extend(replies)
    assert [line[:4] for line in lines[1:]] in ([], [reply])
    assert mail_sink.mails() == []
