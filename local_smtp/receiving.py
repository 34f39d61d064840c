"""The bytes that SMTP clients send, and no more of them at once than memory allows."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from local_smtp.bounds import (
    BUFFER_BYTES,
    COMMAND_BYTES,
    LARGE_MAILS_BYTES,
    MAIL_BYTES,
    SMALL_MAIL_BYTES,
)

_END = b"\r\n.\r\n"


class Share:
    """What one mail has taken of the bytes that all large mails may take."""

    def __init__(self, budget: "Budget") -> None:
        self._budget = budget
        self.taken = 0
        self.too_large = False
        """Whether the mail alone is too large, whatever the others do."""

    def take(self, size: int) -> bool:
        """Say that the mail has `size` bytes by now; return whether it may have them."""
        self.too_large = self.too_large or size > MAIL_BYTES
        more = max(0, size - SMALL_MAIL_BYTES - self.taken)
        fits = not self.too_large and self._budget.left >= more
        if fits:
            self._budget.left -= more
            self.taken += more
        return fits


class Budget:
    """The bytes of all large mails that are being received by a server."""

    def __init__(self) -> None:
        self.left = LARGE_MAILS_BYTES

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Have a part of it for one mail, and give it back."""
        share = Share(self)
        try:
            yield share
        finally:
            self.left += share.taken


class Inbound:
    """What a client sends: lines, and mails between them.

    `read` returns some more bytes, or none at the end; it limits the time.
    """

    def __init__(self, read: Callable[[int], Awaitable[bytes]]) -> None:
        self._read = read
        self._ahead = bytearray()

    async def line(self) -> bytes:
        """Return the next line.

        Raises:
            EOFError: the client has ended.
            OverflowError: the line is longer than a command may be.
        """
        end = self._ahead.find(b"\n")
        if end >= 0:
            await asyncio.sleep(0)  # who sends many commands at once waits for others in between
        while end < 0 and len(self._ahead) <= COMMAND_BYTES:
            await self._more(self._ahead)
            end = self._ahead.find(b"\n")
        if not 0 <= end <= COMMAND_BYTES:
            raise OverflowError
        line = bytes(self._ahead[:end])
        del self._ahead[: end + 1]
        return line

    async def mail(self, share: Share) -> bytearray | None:
        """Return a mail up to the line with a single dot, with the doubling of dots undone.

        Only `CRLF . CRLF` ends a mail (RFC 5321 §4.1.1.4, §2.3.8): a dot between bare line feeds
        or carriage returns is part of it, or a second mail could be smuggled in behind it.

        If the share does not allow the mail, it is read to its end all the same: None.

        Raises:
            EOFError: the client has ended.
        """
        mail = bytearray(b"\r\n")  # the one that ended DATA: the mail may be just ".\r\n"
        mail += self._ahead
        dropped = False
        start = 0
        while (end := mail.find(_END, start)) < 0:
            if dropped or not share.take(len(mail) - 2 - len(_END)):
                dropped = True
                del mail[: 1 - len(_END)]
            start = max(0, len(mail) + 1 - len(_END))
            await self._more(mail)
        self._ahead = mail[end + len(_END) :]
        del mail[end + 2 :]
        if b"\r\n." in mail:
            mail = mail.replace(b"\r\n.", b"\r\n")
        del mail[:2]
        return mail if not dropped and share.take(len(mail)) else None

    async def _more(self, buffer: bytearray) -> None:
        piece = await self._read(BUFFER_BYTES)
        if not piece:
            raise EOFError
        buffer += piece
