"""Mails as bytes (RFC 5322 and MIME), safe against header injection.

This module does not use `EmailMessage`, which takes ten times as long. Before Python 3.11.10 (and
3.12.5), `EmailMessage` also wrote some line breaks into headers unencoded (CVE-2024-6923). So a
comment's author could add a header such as Bcc.
"""

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
#: The HTML standard's "valid e-mail address", which browsers check, with the length limits of RFC
#: 5321, section 4.5.3.1.
_ADDRESS = re.compile(
    r"(?=.{1,254}$)[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
_NOT_IN_MESSAGE_ID = re.compile(r"[^!-~]+")
_LONGEST_ID = 900  # a line has at most 998 bytes (RFC 5322, section 2.1.1)
#: Limit of the characters of a file's name. A percent-encoded character takes up to 12 bytes.
_LONGEST_NAME = 60
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/^_`{|}~-]+")


class BadAddress(ValueError):
    """The text is not a valid e-mail address."""


def is_address(value: str) -> bool:
    """Return True if the text is a valid e-mail address without an encoded word.

    An encoded word is not allowed in an address (RFC 2047, section 5): a mail program could decode
    the word, and show another address.
    """
    return _ADDRESS.fullmatch(value) is not None and "=?" not in value


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A sender or a recipient: a display name and the bare address.

    Raises:
        BadAddress: the address is not valid.
    """

    name: str
    address: str

    def __post_init__(self) -> None:
        if not is_address(self.address):
            raise BadAddress(f"{self.address[:100]!r} is not an e-mail address")

    @classmethod
    def parse(cls, value: str) -> "Mailbox":
        """Parse ``Name <address>`` or a bare address."""
        return cls(*parseaddr(value))


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail.

    Attributes:
        name: the file's name. In the mail, slashes, backslashes and control characters become
            ``_``, and the name is cut after 60 characters.
        content_type: such as ``image/jpeg`` or ``text/csv; charset=utf-8``.
    """

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail.

    Attributes:
        message_id: with angle brackets; the same for every delivery of this mail.
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
        """Return the mail with CRLF line ends.

        Args:
            job_id: the id of the job that sends the mail. The inbox reads the id in the header
                `X-Job-Id`. Without an id (""), there is no such header.
        """
        boundary = uuid.uuid4().hex
        headers = {
            "Date": formatdate(usegmt=True),
            "From": address(self.sender),
            "Reply-To": address(self.reply_to) if self.reply_to else None,
            "To": address(self.to),
            "Subject": text(self.subject, "Subject"),
            "Message-ID": _NOT_IN_MESSAGE_ID.sub("", self.message_id)[:_LONGEST_ID],
            "Auto-Submitted": "auto-generated",  # prevents automatic replies (RFC 3834)
            "MIME-Version": "1.0",
            "X-Job-Id": text(job_id, "X-Job-Id") if job_id else None,
        }
        bodies = [_body("text/plain", self.text), _body("text/html", self.html)]
        content = _multipart("alternative", bodies, f"a{boundary}")
        if self.attachments:
            files = [_file(attachment) for attachment in self.attachments]
            content = _multipart("mixed", [content, *files], f"m{boundary}")
        head = CRLF.join(f"{name}: {value}" for name, value in headers.items() if value is not None)
        return f"{head}{CRLF}{content}".encode("ascii")


def text(value: str, header: str) -> str:
    """Return the text as a header's value, encoded (RFC 2047) if it is long or not plain ASCII.

    Control characters become spaces. Text that looks like an encoded word is encoded too, so that
    mail programs show it as it was typed.

    Args:
        header: the name of the header.
    """
    value = _CONTROL.sub(" ", value).strip()
    if _PLAIN.fullmatch(value) and "=?" not in value and len(header) + len(value) < 76:
        return value
    return Header(value, "utf-8", maxlinelen=76, header_name=header).encode(linesep=CRLF)


def address(mailbox: Mailbox) -> str:
    """Encode a mailbox as a header's value (RFC 5322, section 3.4)."""
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
    encoded = base64.encodebytes(attachment.content).decode("ascii").replace("\n", CRLF)
    return (
        f"Content-Type: {attachment.content_type}{CRLF}"
        f"Content-Transfer-Encoding: base64{CRLF}"
        f"Content-Disposition: attachment;{CRLF} {_file_name(attachment.name)}{CRLF}{CRLF}{encoded}"
    )


def _file_name(name: str) -> str:
    """Return the parameter `filename`, encoded (RFC 2231) if it has unusual characters.

    The usual characters are ASCII letters, digits, dots, underscores and hyphens.
    """
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
