"""A mail as bytes: RFC 5322 and MIME, with no way into its headers.

Composed from the standard library's encoders rather than with `EmailMessage`, for two reasons:
that takes ten times as long, and before Python 3.11.10 it writes a line break that hides in an
encoded word as a real one (CVE-2024-6923), so that a comment's author could add a Bcc.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from dataclasses import dataclass
from email.header import Header
from email.utils import formatdate, parseaddr
from urllib.parse import quote

CRLF = "\r\n"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_PLAIN = re.compile(r"[\x20-\x7e]*")
#: The HTML standard's "valid e-mail address", which a browser's form checks, with the lengths of
#: RFC 5321, section 4.5.3.1: that form sets none for what is before the @.
_ADDRESS = re.compile(
    r"(?=.{1,254}$)[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
_NOT_IN_MESSAGE_ID = re.compile(r"[^!-~]+")
_TYPE = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; charset=[A-Za-z0-9-]+)?")
_LONGEST_ID = 900  # of a line with at most 998 (RFC 5322, section 2.1.1)
#: Characters of a file's name; encoded, each may take twelve bytes of a line with at most 998.
_LONGEST_NAME = 60
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/^_`{|}~-]+")


class BadAddress(ValueError):
    """That is no e-mail address that a mail could be sent to."""


def is_address(value: str) -> bool:
    """Whether a mail can be sent to it: what this refuses, no form may accept.

    An encoded word has no place in an address (RFC 2047, section 5): it could show as another one.
    """
    return _ADDRESS.fullmatch(value) is not None and "=?" not in value


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Whom a mail is from or for: a name to read, and the bare address.

    Raises BadAddress for what is no address: it goes to the mail server as it is.
    """

    name: str
    address: str

    def __post_init__(self) -> None:
        if not is_address(self.address):
            raise BadAddress(f"{self.address[:100]!r} is no e-mail address")

    @classmethod
    def parse(cls, value: str) -> Mailbox:
        """From ``Name <address>`` or a bare address, as a setting spells it."""
        return cls(*parseaddr(value))


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail.

    name: as its reader sees it; slashes and control characters become ``_``, and what is beyond
    60 characters goes. content_type: such as ``image/jpeg`` or
    ``text/csv; charset=utf-8``; what is none is sent as plain bytes.
    """

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail.

    message_id: with its angle brackets; the same for every delivery of the same mail.
    """

    sender: Mailbox
    to: Mailbox
    subject: str
    text: str
    html: str
    message_id: str
    reply_to: Mailbox | None = None
    attachments: tuple[Attachment, ...] = ()

    def to_bytes(self, job_id: str = "") -> bytes:
        """The mail as it is sent, lines ended by CRLF.

        job_id: the job that sends it, so that an inbox can lead back to it.
        """
        boundary = uuid.uuid4().hex
        headers = [
            ("Date", formatdate(usegmt=True)),
            ("From", address(self.sender)),
            ("To", address(self.to)),
            ("Subject", text(self.subject, "Subject")),
            ("Message-ID", _NOT_IN_MESSAGE_ID.sub("", self.message_id)[:_LONGEST_ID]),
            ("Auto-Submitted", "auto-generated"),  # no answering machine answers it (RFC 3834)
            ("MIME-Version", "1.0"),
        ]
        if self.reply_to:
            headers.insert(3, ("Reply-To", address(self.reply_to)))
        if job_id:
            headers.append(("X-Job-Id", text(job_id, "X-Job-Id")))
        bodies = [_body("text/plain", self.text), _body("text/html", self.html)]
        content = _multipart("alternative", bodies, f"a{boundary}")
        if self.attachments:
            files = [_file(attachment) for attachment in self.attachments]
            content = _multipart("mixed", [content, *files], f"m{boundary}")
        head = CRLF.join(f"{name}: {value}" for name, value in headers)
        return f"{head}{CRLF}{content}".encode("ascii")


def text(value: str, header: str) -> str:
    """Free text as a header's value: control characters go, the rest is encoded (RFC 2047).

    What looks like an encoded word already is encoded too, so that it shows as it was typed.
    """
    value = _CONTROL.sub(" ", value).strip()
    if _PLAIN.fullmatch(value) and "=?" not in value and len(header) + len(value) < 76:
        return value
    return Header(value, "utf-8", maxlinelen=76, header_name=header).encode(linesep=CRLF)


def address(mailbox: Mailbox) -> str:
    """A mailbox as a header's value (RFC 5322, section 3.4)."""
    name = _CONTROL.sub(" ", mailbox.name).strip()
    if not name:
        return mailbox.address
    if not (_ATOMS.fullmatch(name) and "  " not in name and len(name) < 50):
        name = Header(name, "utf-8", maxlinelen=60).encode(linesep=CRLF)
    return f"{name} <{mailbox.address}>"


def _body(content_type: str, content: str) -> str:
    lines = content.replace(CRLF, "\n").replace("\r", "\n").replace("\n", CRLF)
    data = lines.encode("utf-8", "replace") + b"\r\n"
    encoded = binascii.b2a_qp(data, istext=True).decode("ascii")
    return (
        f'Content-Type: {content_type}; charset="utf-8"{CRLF}'
        f"Content-Transfer-Encoding: quoted-printable{CRLF}{CRLF}{encoded}"
    )


def _file(attachment: Attachment) -> str:
    kind = attachment.content_type
    if not _TYPE.fullmatch(kind):
        kind = "application/octet-stream"
    encoded = base64.encodebytes(attachment.content).decode("ascii").replace("\n", CRLF)
    return (
        f"Content-Type: {kind}{CRLF}"
        f"Content-Transfer-Encoding: base64{CRLF}"
        f"Content-Disposition: attachment;{CRLF} {_file_name(attachment.name)}{CRLF}{CRLF}{encoded}"
    )


def _file_name(name: str) -> str:
    """The parameter `filename`, in the form of RFC 2231 where plain ASCII does not do."""
    name = _CONTROL.sub("_", name).replace("/", "_").replace("\\", "_")
    name = name[:_LONGEST_NAME].strip() or "file"
    if re.fullmatch(r"[A-Za-z0-9._-]+", name):
        return f'filename="{name}"'
    return f"filename*=utf-8''{quote(name, safe='')}"


def _multipart(subtype: str, parts: list[str], boundary: str) -> str:
    body = "".join(f"--{boundary}{CRLF}{part}{CRLF}" for part in parts)
    return (
        f'Content-Type: multipart/{subtype}; boundary="{boundary}"{CRLF}{CRLF}'
        f"{body}--{boundary}--{CRLF}"
    )
