"""Tests that the inbox shows broken mails."""

import re

import pytest
from support import most_thorough

HTML = b"Content-Type: text/html\r\n\r\n"
MIXED = b"Content-Type: multipart/mixed; boundary=b"
PART = b"--b\r\nContent-Type: text/plain; name=part.txt\r\n\r\nx\r\n"
#: The parts are slow to parse: each line is compared with all boundaries.
NESTED = b"".join(MIXED + b"%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(1100))

BROKEN = {
    "1,000 parts": MIXED + b"\r\n\r\n" + PART * 1000 + b"--b--\r\n",
    "parts nested 1,100 deep": NESTED + b"\r\nthe core\r\n",
    "headers of 5 MB": b"Subject: long\r\nX-Long: " + b"=?utf-8?q?" * 500_000 + b"\r\n\r\nx\r\n",
    "charset that is no text": b"Content-Type: text/html; charset=hex\r\n\r\nzz\r\n",
    "utf-16 of odd length": b"Content-Type: text/html; charset=utf-16\r\n\r\n<\0b\0>",
    "broken base64": b"Content-Transfer-Encoding: base64\r\n\r\n!!!=A=\r\n",
    "broken encoded words": b"Subject: =?utf-8?b?!!!?= =?x?q?=FF?= =?utf-8?q?=0D=0ABcc:x?=\r\n\r\n",
    "broken parameters": b"Content-Type: text/plain; name*0*=utf-8''%; name*2=x; =;;\r\n\r\nx",
    "charset given twice": HTML[:-4] + b"; charset*=x; charset*0=y\r\n\r\n<b>x</b>",
    "boundary given twice": b"Content-Type: multipart/mixed; boundary*=x; boundary*0=y\r\n\r\nx",
    "mail in mail in mail": b"Content-Type: message/rfc822\r\n\r\n" * 50 + b"Subject: in\r\n\r\nx",
    "html of 0.5 MB left open": HTML + b"<img src='http://a.test/" * 20_000,
}  # fmt: skip


@pytest.mark.parametrize("name", most_thorough(BROKEN, "1,000 parts", "boundary given twice"))
def test_a_broken_mail_is_listed_searched_and_shown(http, smtp, name):
    smtp.sendmail("a@x.test", ["b@x.test"], BROKEN[name])
    assert http.get("/api/messages?search=anything").status_code == 200
    parsed = http.get("/api/messages/1", timeout=20).raise_for_status().json()
    paths = [f"/parts/{attachment['part']}" for attachment in parsed["attachments"][:3]]
    for path in ("/html", *paths):
        assert http.get(f"/api/messages/1{path}", timeout=20).status_code == 200
    assert http.get("/api/messages/1/raw").content.startswith(BROKEN[name])
    first = http.get("/?mail=1", timeout=20).raise_for_status().text
    tabs = set(re.findall(r"[?&;]tab=(\w+)", first))
    assert tabs >= {"headers", "source"}
    for tab in tabs:
        shown = http.get(f"/?mail=1&tab={tab}", timeout=20).raise_for_status().text
        assert 'class="tabs"' in shown
