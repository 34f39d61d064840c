"""A delivery as SMTP hands it over, and the few header fields every part needs."""

import re
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser

_HEADER_LIMIT = 256 * 1024
_VALUE_LIMIT = 4096  # decoding is quadratic on hostile values, so it gets no more than this
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class KeyHeaders:
    """The header fields by which mails are listed, matched and told apart, decoded."""

    message_id: str | None
    subject: str
    author: str
    job_id: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail as one SMTP transaction brought it; times are Unix seconds."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    headers: KeyHeaders
    peer: str
    received_at: float
    dialogue: str
    rule: str | None = None
    """The fault rule that hit it, in words."""


def readable(text: str) -> str:
    """Return `text` without what no database or page can show (lone surrogates)."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def decoded(value: str) -> str:
    """Return a header value with its encoded words (RFC 2047) decoded, on one line.

    Never raises: what can't be decoded is shown as it stands.
    """
    value = str(value)[:_VALUE_LIMIT]
    if "=?" in value:
        try:
            value = str(make_header(decode_header(value)))
        except (ValueError, LookupError, TypeError):  # HeaderParseError is a ValueError's cousin
            pass
        except Exception:  # decode_header raises binascii and email errors of several families
            pass
    return _CONTROL.sub(" ", readable(value)).strip()


def read_key_headers(raw: bytes) -> KeyHeaders:
    """Read the key headers from the first 256 KiB of a mail of any shape."""
    head = raw[:_HEADER_LIMIT].partition(b"\r\n\r\n")[0]
    fields = BytesHeaderParser().parsebytes(head)
    message_id = decoded(fields.get("Message-ID", ""))
    job_id = decoded(fields.get("X-Job-Id", ""))
    return KeyHeaders(
        message_id=message_id or None,
        subject=decoded(fields.get("Subject", "")),
        author=decoded(fields.get("From", "")),
        job_id=job_id or None,
    )
