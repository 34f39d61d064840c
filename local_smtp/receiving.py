"""A mail as it arrives, and how many bytes of mails may be in memory meanwhile."""

from __future__ import annotations

import asyncio
from typing import Self

from local_smtp.bounds import LARGE_MAILS_BYTES, MAIL_BYTES, SMALL_MAIL_BYTES

_END = b"\r\n.\r\n"


class Budget:
    """The bytes of all large mails that are being received by a server."""

    def __init__(self) -> None:
        self.left = LARGE_MAILS_BYTES


class Share:
    """What one mail has taken of a budget; a `with` block gives it back at its end."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self._taken = budget, 0
        self.too_large = False
        """Whether the mail alone is too large, whatever the others do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.left += self._taken

    def take(self, size: int) -> bool:
        """Say that the mail has `size` bytes by now; return whether it may have them."""
        self.too_large = self.too_large or size > MAIL_BYTES
        more = max(0, size - SMALL_MAIL_BYTES - self._taken)
        fits = not self.too_large and self._budget.left >= more
        if fits:
            self._budget.left -= more
            self._taken += more
        return fits


async def read_mail(reader: asyncio.StreamReader, share: Share) -> bytearray | None:
    """Read a mail up to the line with a single dot, with the doubling of dots undone.

    Only `CRLF . CRLF` ends a mail (RFC 5321 §4.1.1.4, §2.3.8): a dot between bare line feeds or
    carriage returns is part of it, or a second mail could be smuggled in behind it.

    If the share does not allow the mail, it is read to its end all the same: None.
    """
    mail = bytearray()
    dropped = ended = False
    # the line end of DATA itself: the mail may be just ".\r\n"
    reader._buffer[:0] = b"\r\n"  # type: ignore[attr-defined]
    while not ended:
        try:
            chunk = await reader.readuntil(_END)
            ended = True
        except asyncio.LimitOverrunError as overrun:
            chunk = await reader.read(overrun.consumed)
        if not dropped:
            mail += chunk
            dropped = not share.take(len(mail) - 2 - len(_END))
    if dropped:
        return None
    del mail[-len(b".\r\n") :]
    if b"\r\n." in mail:
        mail = mail.replace(b"\r\n.", b"\r\n")
    del mail[:2]
    return mail if share.take(len(mail)) else None
