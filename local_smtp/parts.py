"""A mail taken apart for people: its text, HTML, headers and attachments, whatever its shape."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from local_smtp.mail import decoded, readable

_PART_LIMIT = 500
_HEADER_LIMIT = 1000
_HEAD_BYTES = 256 * 1024
_BOUNDARY_LIMIT = 100  # each costs the parser a look at every line: the product must stay small
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_TAG = re.compile(
    r"<(?:style|script)\b.{0,100000}?</(?:style|script)>|<[^<>]{1,5000}>", re.I | re.S
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the text of the mail."""

    part: int
    """Its number in the order of the mail, by which it can be fetched."""
    name: str
    content_type: str
    content_id: str | None
    size: int


@dataclass(slots=True)
class Parts:
    """What a mail holds."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    text: str | None = None
    html: str | None = None
    attachments: list[Attachment] = field(default_factory=list)
    note: str | None = None
    """What is missing here, for a mail that is too odd to be taken apart whole."""


def take_apart(raw: bytes) -> Parts:
    """Take a mail apart; never raises, however broken it is."""
    parts = Parts()
    try:
        message = _parsed(raw)
        fields = message.items()
        parts.headers = [(readable(name), decoded(value)) for name, value in fields[:_HEADER_LIMIT]]
        for number, part in _leaves(message):
            if number >= _PART_LIMIT:
                parts.note = f"Only the first {_PART_LIMIT} parts are shown; the source has all."
                break
            _sort_in(parts, number, part)
    except RecursionError:
        parts.note = "The parts of this mail are nested too deeply to be shown; see its source."
    return parts


def part_content(raw: bytes, number: int) -> tuple[Attachment, bytes] | None:
    """Return a part and its decoded bytes, or None if there is no such part."""
    try:
        for index, part in _leaves(_parsed(raw)):
            if index == number:
                content = _content(part)
                return _describe(index, part, len(content)), content
    except RecursionError:
        pass
    return None


def plain_text(raw: bytes) -> str:
    """Return the text to search a mail by: its text, else its HTML without the tags."""
    parts = take_apart(raw)
    names = " ".join(attachment.name for attachment in parts.attachments)
    body = parts.text if parts.text is not None else html.unescape(_TAG.sub(" ", parts.html or ""))
    return f"{body} {names}"


def _parsed(raw: bytes) -> Message:
    """Parse a mail, its headers cut to what a person can read.

    Raises:
        RecursionError: its parts are nested too deeply.
    """
    if raw.lower().count(b"boundary") > _BOUNDARY_LIMIT:
        raise RecursionError
    blank = _BLANK_LINE.search(raw)
    head_ends = blank.start() if blank else len(raw)
    if head_ends > _HEAD_BYTES:
        raw = raw[:_HEAD_BYTES] + raw[head_ends:]
    return message_from_bytes(raw)


def _leaves(message: Message) -> Iterator[tuple[int, Message]]:
    leaves = (part for part in message.walk() if not part.is_multipart())
    yield from enumerate(leaves)


def _sort_in(parts: Parts, number: int, part: Message) -> None:
    content = _content(part)
    inline = part.get_content_disposition() != "attachment" and not _file_name(part)
    kind = part.get_content_type()
    if inline and kind == "text/plain" and parts.text is None:
        parts.text = _text(part, content)
    elif inline and kind == "text/html" and parts.html is None:
        parts.html = _text(part, content)
    else:
        parts.attachments.append(_describe(number, part, len(content)))


def _content(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except Exception:  # broken transfer encodings raise errors of several families
        content = None
    if isinstance(content, bytes):
        return content
    return str(part.get_payload()).encode("utf-8", "replace")


def _text(part: Message, content: bytes) -> str:
    charset = str(part.get_param("charset", "utf-8"))
    try:
        return readable(content.decode(charset, "replace"))
    except (LookupError, ValueError):  # no such charset, or one that is no text
        return readable(content.decode("utf-8", "replace"))


def _file_name(part: Message) -> str:
    try:
        return decoded(part.get_filename() or "")
    except Exception:  # broken RFC 2231 parameters raise errors of several families
        return ""


def _describe(number: int, part: Message, size: int) -> Attachment:
    content_id = decoded(part.get("Content-ID", "")).strip("<> ") or None
    name = re.sub(r"[/\\]", "_", _file_name(part)) or f"part-{number}"
    return Attachment(number, name, readable(part.get_content_type()), content_id, size)
