"""An incoming mail, and the header fields that every part of the sink needs."""

import re
from contextlib import suppress
from dataclasses import dataclass
from email.header import decode_header, make_header
from itertools import groupby

from local_smtp.bounds import FIELD_CHARACTERS, HEAD_BYTES

#: An encoded word with a charset name of over 40 characters, which Python would cache for ever.
_LONG_CHARSET = re.compile(r"=\?[^?]{41}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_WORD = re.compile(r"=\?[^?\s]*\?[^?\s]*\?[^?\s]*\?=")
_BLANKS = re.compile(r"(\s+)")
_BLANK_LINE = re.compile(rb"(?:^|\n)\r?\n")
_KEY_FIELD = re.compile(
    rb"^(Message-ID|Subject|From|X-Job-Id)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.I | re.M
)


@dataclass(frozen=True, slots=True)
class KeyHeaders:
    """The decoded header fields for listing, matching and deduplicating mails."""

    message_id: str | None
    subject: str
    author: str
    job_id: str | None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A mail of one SMTP transaction."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes | bytearray
    headers: KeyHeaders
    peer: str
    #: Unix seconds.
    received_at: float
    #: A JSON list of `[Unix seconds, "C" | "S" | "#", text]`; see `models.DialogueLine`.
    dialogue: str


def readable(text: str) -> str:
    """Return the text with its surrogate escapes decoded as UTF-8.

    No database or page can contain a lone surrogate.

    Raises:
        ValueError: the text has a lone surrogate that is not an escape.
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def decoded(value: object) -> str:
    """Return a header value on one line, with its encoded words (RFC 2047) decoded.

    An encoded word that is malformed or in an address is not decoded. The value is cut after 2,048
    characters.
    """
    text = str(value)[:FIELD_CHARACTERS]
    if "=?" in text and not _LONG_CHARSET.search(text):
        with suppress(Exception):  # decode_header raises many types of errors
            groups = groupby(_BLANKS.split(text), _is_address)
            text = " ".join(
                joined if address else str(make_header(decode_header(joined)))
                for address, words in groups
                if (joined := "".join(words).strip())
            )
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode("utf-8")).strip()


def _is_address(word: str) -> bool:
    # encoded words in an address (RFC 2047 §5) are not decoded, since the result could look like a
    # different address
    return word.startswith("<") or "@" in _WORD.sub("", word)


def read_key_headers(raw: bytes | bytearray) -> KeyHeaders:
    """Read the key headers from the first 64 KiB of a mail, in linear time for any input."""
    head = bytes(raw[:HEAD_BYTES])
    blank = _BLANK_LINE.search(head)
    fields: dict[bytes, str] = {}
    for name, value in _KEY_FIELD.findall(head, 0, blank.start() if blank else len(head)):
        if name.lower() not in fields:  # of repeated fields, only the first counts
            fields[name.lower()] = decoded(value[:FIELD_CHARACTERS].decode("utf-8", "replace"))
    return KeyHeaders(
        message_id=fields.get(b"message-id") or None,
        subject=fields.get(b"subject", ""),
        author=fields.get(b"from", ""),
        job_id=fields.get(b"x-job-id") or None,
    )
