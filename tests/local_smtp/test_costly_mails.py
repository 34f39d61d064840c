"""A mail made to cost time or memory holds up nobody, whether it is opened or not."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from support import most_thorough

WAIT = 15  # seconds on a machine that is busy; the worst of these mails took 45 on an idle one

HTML = b"Content-Type: text/html\r\n\r\n"


def nested(levels: int, body: bytes) -> bytes:
    """Return a mail of parts within parts, each with a boundary that every line is compared to."""
    boundaries = (
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(levels)
    )
    return b"".join(boundaries) + b"\r\n" + body


COSTLY = {
    "a style that never ends": HTML + b"<style " * 28_000,
    "a quotation that never ends": b'Content-Type: text/plain; name="' + b";" * 100_000,
    "200,000 parameters": b"Content-Type: text/plain; " + b"a=b;" * 200_000,
    "a delivery status of blank lines": b"Content-Type: message/delivery-status\r\n\r\n"
    + b"\r\n" * 300_000,
    "99 boundaries over 500,000 lines": nested(99, b"x\r\n" * 500_000),
    "a file name in 20,000 pieces": b"Content-Disposition: attachment; "
    + b"".join(b"filename*%d*=a;" % number for number in range(20_000)),
    "400,000 empty parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\n" * 400_000,
    "40,000 headers in the first 256 KB": b"a:b\r\n" * 200_000,
    "a comment that never ends": b"Content-Type: text/plain" + b"(" * 200_000,
    "tags that never end": HTML + b"<a href=" * 200_000,
    "pictures that are asked for 100,000 times": HTML + b'<img src="cid:x">' * 100_000,
}


@pytest.mark.parametrize("name", COSTLY)
def test_the_next_mail_is_stored_and_the_costly_one_is_listed(http, smtp, name):
    smtp.sendmail("a@x.test", ["b@x.test"], b"Subject: costly\r\n" + COSTLY[name])
    smtp.sendmail("a@x.test", ["b@x.test"], b"Subject: honest\r\n\r\ntomatoes\r\n")
    page = http.get("/api/messages").json()
    assert [mail["subject"] for mail in page["messages"]] == ["honest", "costly"]
    assert http.get("/api/messages/1/raw").content.startswith(b"Subject: costly\r\n")


TOO_MUCH = ("200,000 parameters", "99 boundaries over 500,000 lines")


@pytest.mark.parametrize("name", most_thorough(TOO_MUCH, TOO_MUCH[0]))
def test_a_mail_over_the_bounds_is_shown_as_source(http, smtp, name):
    smtp.sendmail("a@x.test", ["b@x.test"], COSTLY[name])
    mail = http.get("/api/messages/1", timeout=90).json()
    assert "too much time or memory" in mail["note"]
    assert (mail["text"], mail["has_html"], mail["attachments"]) == (None, False, [])
    assert http.get("/api/messages/1/html", timeout=90).status_code == 200
    assert http.get("/api/messages/1/parts/0", timeout=90).status_code == 422


def test_while_a_costly_mail_is_opened_others_are_listed_and_stored(http, smtp):
    smtp.sendmail("a@x.test", ["b@x.test"], b"Subject: 1\r\n" + COSTLY["200,000 parameters"])
    with ThreadPoolExecutor(50) as readers:
        opened = [readers.submit(http.get, "/api/messages/1", timeout=90) for _ in range(50)]
        smtp.sendmail("a@x.test", ["b@x.test"], b"Subject: 2\r\n\r\n")
        assert http.get("/api/messages", timeout=WAIT).json()["total"] == 2
        assert http.get("/", timeout=WAIT).status_code == 200
    assert {one.result().status_code for one in opened} == {200, 503}
