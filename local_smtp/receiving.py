"""The reader of a mail from an SMTP connection."""

import asyncio

from local_smtp.bounds import MAIL_BYTES

_END = b"\r\n.\r\n"


async def read_mail(reader: asyncio.StreamReader) -> bytearray | None:
    """Read a mail up to the line with a single dot, and undo the dot-stuffing.

    Only `CRLF . CRLF` ends a mail (RFC 5321 §4.1.1.4, §2.3.8). A dot between bare line feeds or
    carriage returns is part of the mail, to prevent SMTP smuggling.

    Returns:
        The mail, or None if it is larger than `MAIL_BYTES`. A mail that is too large is also read
        to its end.

    Raises:
        asyncio.IncompleteReadError: the connection was closed before the end of the mail.
    """
    mail = bytearray()
    dropped = ended = False
    # put back the CRLF of the DATA command: an empty mail is only ".\r\n", and `_END` needs a CRLF
    # before the dot
    reader._buffer[:0] = b"\r\n"  # type: ignore[attr-defined]
    while not ended:
        try:
            chunk = await reader.readuntil(_END)
            ended = True
        except asyncio.LimitOverrunError as overrun:
            chunk = await reader.read(overrun.consumed)
        if not dropped:
            mail += chunk
            dropped = len(mail) - 2 - len(_END) > MAIL_BYTES
    if dropped:
        return None
    del mail[-len(b".\r\n") :]
    if b"\r\n." in mail:
        mail = mail.replace(b"\r\n.", b"\r\n")
    del mail[:2]
    return mail if len(mail) <= MAIL_BYTES else None
