"""Tests that a mail keeps its texts, and that no text can add a header."""

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mail.sample import a_mail

from demo_app.mail.message import Attachment, BadAddress, Mail, Mailbox

#: Hostile texts. Some contain a line break before a header. In others, the line break is inside an
#: encoded word, and appears when the word is decoded (CVE-2024-6923).
ATTACKS = [
    "x\r\nBcc: evil@example.test",
    "x\nBcc: evil@example.test",
    "x\rBcc: evil@example.test",
    "x\r\n\r\n<script>",
    "x\u2028Bcc: evil@example.test",
    "x\x85Bcc: evil@example.test",
    "x\x0bBcc: evil\x0cCc: evil",
    "=?utf-8?q?a=0D=0ABcc:_evil@example.test?=",
    "=?utf-8?b?YQ0KQmNjOiBldmlsQGV4YW1wbGUudGVzdA==?=",
    "=?utf-8?q?=22?= <evil@example.test>",
    '"quoted" <evil@example.test>, other',
    "x" * 2000,
    "あ" * 500,
    "\ud800",
    "=?",
    "",
]
TEXT = st.text(max_size=300) | st.sampled_from(ATTACKS)
HEADERS = {
    *("Date", "From", "To", "Reply-To", "Subject", "Message-ID"),
    *("MIME-Version", "X-Job-Id", "Content-Type", "Auto-Submitted"),
}


def parsed(mail: Mail) -> EmailMessage:
    return message_from_bytes(mail.to_bytes(), policy=policy.SMTP)


def as_shown(value: str) -> str:
    """Return the text as a header shows it: a sequence of control characters becomes one space."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+", " ", value).strip()


def as_body(value: str) -> str:
    lines = value.replace("\r\n", "\n").replace("\r", "\n") + "\n"
    return lines.encode("utf-8", "replace").decode()


def part(message: EmailMessage, kind: str) -> str:
    content = message.get_body((kind,)).get_payload(decode=True).decode()
    return content.replace("\r\n", "\n")


@given(TEXT, TEXT, TEXT, TEXT, TEXT, TEXT)
@example(*(ATTACKS[7] for _ in range(6)))
@example(*(ATTACKS[0] for _ in range(6)))
def test_no_field_can_add_a_header(author, subject, body, job_id, message_id, file_name):
    mail = a_mail(
        sender=Mailbox(author, "blog@blog.test"),
        to=Mailbox(author, "akiko@blog.test"),
        reply_to=Mailbox(author, "reader@example.test"),
        subject=subject,
        text=body,
        html=body,
        message_id=message_id,
        attachments=(Attachment(file_name, "text/plain", b"content"),),
    )
    raw = mail.to_bytes(job_id)
    message = message_from_bytes(raw, policy=policy.SMTP)
    assert set(message.keys()) <= HEADERS
    assert message["Auto-Submitted"] == "auto-generated"
    assert len(message.keys()) == len(set(message.keys()))
    again = message_from_bytes(message.as_bytes(), policy=policy.SMTP)
    assert "Bcc" not in again
    assert [str(a.addr_spec) for a in message["To"].addresses] == ["akiko@blog.test"]
    assert [str(a.addr_spec) for a in message["From"].addresses] == ["blog@blog.test"]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))  # RFC 5322, section 2.1.1
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")


@settings(max_examples=100)
@given(TEXT)
@example("Re:  two  spaces")
@example(" leading and trailing ")
@example("x" * 77)
@example("=?utf-8?q?typed_by_hand?=")
def test_a_subject_and_a_name_arrive_as_they_were_typed(value):
    mail = a_mail(subject=value, to=Mailbox(value, "akiko@blog.test"))
    assert parsed(mail)["Subject"] == as_shown(value)
    # decode the words one by one: this Python's address parser puts spaces between encoded words
    to = str(make_header(decode_header(message_from_bytes(mail.to_bytes())["To"])))
    assert to == f"{as_shown(value)} <akiko@blog.test>" or not as_shown(value)


@settings(max_examples=100)
@given(TEXT, TEXT)
@example(".\n..\n.\r\n", "a line that ends with a space \nand a tab\t\n")
@example("=20=\n=", "From here on\n")
def test_a_body_arrives_as_it_was_written(text, html):
    message = parsed(a_mail(text=text, html=html))
    assert part(message, "plain") == as_body(text)
    assert part(message, "html") == as_body(html)


@settings(max_examples=100)
@given(TEXT, st.binary(max_size=500))
@example("写真 “1”.jpg", b"\x00\r\n.\r\n")
@example("../../etc/passwd", b"")
def test_an_attachment_arrives_with_its_name(name, content):
    message = parsed(a_mail(attachments=(Attachment(name, "image/jpeg", content),)))
    (attached,) = message.iter_attachments()
    safe = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+|[/\\]", "_", name)[:60].strip()
    assert attached.get_filename() == (safe or "file")
    assert attached.get_content_type() == "image/jpeg"
    assert attached.get_payload(decode=True) == content
    assert part(message, "plain") == "Hello.\n\n"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "akiko",
        "akiko@blog.test\r\nRCPT TO:<evil@example.test>",
        "akiko@blog.test> SIZE=1",
        "a b@blog.test",
        "akiko@blog.test,evil@example.test",
        "あ@blog.test",
        "akiko@",
        "@blog.test",
        f"{'x' * 65}@blog.test",
        f"x@{'.'.join(['y' * 60] * 5)}",
        "=?utf-8?q?boss=40bank.test?=@x.test",
        "=?utf-8?b?Ym9zc0BiYW5r?=@x.test",
    ],
)
def test_an_invalid_address_is_refused(address):
    with pytest.raises(BadAddress):
        Mailbox("Akiko", address)


@given(st.text(max_size=60))
def test_an_accepted_address_has_no_special_characters(address):
    try:
        taken = Mailbox("", f"{address}@blog.test").address
    except BadAddress:
        return
    assert not re.search(r"[\s<>,;:\"()\[\]\\]|[^!-~]", taken)


def test_a_setting_is_read_with_or_without_a_name():
    assert Mailbox.parse("The blog <blog@blog.test>") == Mailbox("The blog", "blog@blog.test")
    assert Mailbox.parse("blog@blog.test") == Mailbox("", "blog@blog.test")
