"""The mail itself, between `354` and the dot."""

import asyncio

CHUNK = 64 * 1024
"""Bytes that a stream holds before its client has to wait."""

_END = b".\r\n"


async def read_mail(reader: asyncio.StreamReader, limit: int) -> bytes | None:
    """Read a mail up to the line with a single dot, and undo the doubling of dots.

    Only `CRLF . CRLF` ends a mail (RFC 5321 §4.1.1.4, §2.3.8): a dot between bare line feeds
    or carriage returns is part of it, or a second mail could be smuggled in behind it.

    Returns:
        The mail as bytes, or None if it has more than `limit`.
    """
    mail = bytearray(b"\r\n")  # the one that ended DATA: the mail may be just ".\r\n"
    too_large = False
    while True:
        try:
            mail += await reader.readuntil(_END)
            if mail.endswith(b"\r\n" + _END):
                break
        except asyncio.LimitOverrunError as overrun:
            mail += await reader.read(overrun.consumed)
        if len(mail) > limit + len(b"\r\n\r\n" + _END) + CHUNK:
            too_large = True
            del mail[:-2]  # enough to know whether a dot begins a line
    del mail[-len(_END) :]
    content = bytes(mail.replace(b"\r\n.", b"\r\n"))[2:]
    return None if too_large or len(content) > limit else content
