"""Tests that encoded words in header fields are decoded, but never inside an address."""

import pytest

from local_smtp.mail import decoded, read_key_headers


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=?utf-8?q?a?= =?utf-8?q?b?= <x@y.test>", "ab <x@y.test>"),
        ("=?utf-8?q?a?= <x@y.test>, =?utf-8?q?b?= <z@y.test>", "a <x@y.test>, b <z@y.test>"),
        ("=?utf-8?b?44GC?=\r\n =?utf-8?b?44GC?= hello", "ああ hello"),
        ("write to =?utf-8?q?a=40b?= today", "write to a@b today"),
    ],
)
def test_encoded_words_are_read(value, shown):
    assert decoded(value) == shown


@pytest.mark.parametrize(
    "value",
    [
        "Ann <=?utf-8?q?boss=40bank.test?=@x.test>",
        "=?utf-8?q?boss=40bank.test?=@x.test",
        "=?utf-8?b?Ym9zc0BiYW5r?=.more@x.test",
        "x=?utf-8?q?boss=40bank.test?=@x.test",
    ],
)
def test_an_address_is_shown_as_it_came(value):
    assert decoded(value) == value


def test_a_sign_that_moves_a_terminal_is_a_blank():
    assert decoded("a\x9b31mb") == "a 31mb"


def test_a_mail_that_begins_with_a_blank_line_has_no_headers():
    assert read_key_headers(b"\r\nSubject: in the body\r\n").subject == ""
