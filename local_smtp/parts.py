"""The parser of mails, also malformed ones: their text, HTML, headers and attachments.

The parser uses Python's `email` package, which takes quadratic time for some hostile mails. Each
function raises one of `UNREADABLE` for a mail with hundreds of nested parts, or with a malformed
boundary parameter.
"""

import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesFeedParser

from local_smtp import mail_html
from local_smtp.bounds import FIELDS, PARTS, TEXT_CHARACTERS
from local_smtp.mail import decoded, readable
from local_smtp.models import Attachment, Parts
from local_smtp.shared.escape import escape_invisible

UNREADABLE = (RecursionError, TypeError, ValueError)
TOO_MANY = f"Only the first {PARTS} parts are shown; the source has all."
_CHUNK = 64 * 1024  # bytes parsed at a time


def parse(raw: bytes) -> Parts:
    """Return the contents of a mail, but at most its first `PARTS` parts."""
    message = _parsed(raw)
    fields = message.items()[:FIELDS]
    found = Parts(headers=[(readable(name), decoded(value)) for name, value in fields])
    body = ""
    for number, part in _leaves(message):
        if number >= PARTS:
            found.note = TOO_MANY
            break
        content = _content(part)
        kind = _shown_as(part)
        if kind == "text/plain" and found.text is None:
            found.text = _text(part, content)[:TEXT_CHARACTERS]
        elif kind == "text/html" and not body:
            body = _text(part, content)
        else:
            name, kind = _name(number, part), readable(part.get_content_type())
            found.attachments.append(
                Attachment(part=number, name=name, content_type=kind, size=len(content))
            )
    found.has_html, found.links = bool(body), mail_html.links(body)
    return found


def html(raw: bytes) -> str:
    """Return the HTML of a mail; "" if it has none."""
    for _, part in _leaves(_parsed(raw)):
        if _shown_as(part) == "text/html":
            return _text(part, _content(part))
    return ""


def part_content(raw: bytes, number: int) -> tuple[str, bytes] | None:
    """Return the name of a part and its decoded bytes, or None if there is no such part."""
    for index, part in _leaves(_parsed(raw)):
        if index == number:
            return _name(index, part), _content(part)
    return None


def _parsed(raw: bytes) -> Message:
    parser = BytesFeedParser()  # parsing in chunks needs a quarter of the memory
    for start in range(0, len(raw), _CHUNK):
        parser.feed(raw[start : start + _CHUNK])
    return parser.close()


def _leaves(message: Message) -> Iterator[tuple[int, Message]]:
    return enumerate(part for part in message.walk() if not part.is_multipart())


def _shown_as(part: Message) -> str:
    """Return the content type of a part; "" if it is an attachment or has a file name."""
    attached = part.get_content_disposition() == "attachment" or _file_name(part)
    return "" if attached else part.get_content_type()


def _content(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except Exception:  # broken transfer encodings raise many types of errors
        content = None
    if isinstance(content, bytes):
        return content
    return str(part.get_payload()).encode("utf-8", "replace")


def _text(part: Message, content: bytes) -> str:
    try:
        return readable(content.decode(part.get_content_charset("utf-8"), "replace"))
    except Exception:  # unsuitable charsets and broken parameters raise many types of errors
        return readable(content.decode("utf-8", "replace"))


def _file_name(part: Message) -> str:
    try:
        return decoded(part.get_filename() or "")
    except Exception:  # broken RFC 2231 parameters raise many types of errors
        return ""


def _name(number: int, part: Message) -> str:
    # A slash would make the name a path. An invisible mark that changes the direction of writing
    # can disguise a suffix, so it is shown as an escape.
    return re.sub(r"[/\\]", "_", escape_invisible(_file_name(part))) or f"part-{number}"
