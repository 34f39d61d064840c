"""A connection with an SMTP client: its lines and mails, the replies, and what is noted of them."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from local_smtp import bounds
from local_smtp.budget import Share
from local_smtp.crowd import Crowd
from local_smtp.models import Line

T = TypeVar("T")

_END = b"\r\n.\r\n"


class HungUp(Exception):
    """The connection is to be closed."""


class Connection:
    """Reads no more than the bounds allow, and waits for the client no longer than they do.

    A client that stops reading is cut off like one that stops writing.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, crowd: Crowd
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._crowd = crowd
        self._task = asyncio.current_task()
        self._ahead = bytearray()
        host, port = (writer.get_extra_info("peername") or ("gone", 0))[:2]
        self.peer = f"{host}:{port}"
        self.start_anew()
        crowd.heard(self)

    def start_anew(self) -> None:
        """Forget what was said; the next mail has a dialogue of its own."""
        self.dialogue: list[Line] = []
        self._room = bounds.DIALOGUE_CHARACTERS

    def note(self, who: str, text: str) -> None:
        """Note what the client (C) or the server (S) said, or what happened (#)."""
        if self._room > 0:
            self.dialogue.append(Line(round(time.time(), 4), who, text[: self._room]))
            self._room -= len(text) + 40

    async def line(self) -> str:
        """Return the next line; one that is too long ends the connection.

        Raises:
            HungUp, EOFError, OSError: the connection has ended.
        """
        end = self._ahead.find(b"\n")
        if end >= 0:
            await asyncio.sleep(bounds.AHEAD_SECONDS)  # or a crowd of these would keep others out
        while end < 0 and len(self._ahead) <= bounds.COMMAND_BYTES:
            await self._more(self._ahead)
            end = self._ahead.find(b"\n")
        if not 0 <= end <= bounds.COMMAND_BYTES:
            # The rest of it could hold anything: a page's mail behind a long address, say.
            await self.last_word("500 5.5.2 That line is too long")
        text = self._ahead[:end].decode("utf-8", "replace").rstrip("\r")
        del self._ahead[: end + 1]
        self.note("C", text)
        return text

    async def mail(self, share: Share) -> bytearray | None:
        """Return a mail up to the line with a single dot, with the doubling of dots undone.

        Only `CRLF . CRLF` ends a mail (RFC 5321 §4.1.1.4, §2.3.8): a dot between bare line feeds
        or carriage returns is part of it, or a second mail could be smuggled in behind it.

        If the share does not allow the mail, it is read to its end all the same: None.

        Raises:
            EOFError, OSError: the connection has ended.
        """
        mail = bytearray(b"\r\n")  # the one that ended DATA: the mail may be just ".\r\n"
        mail += self._ahead
        dropped = False
        start = 0
        async with asyncio.timeout(bounds.MAIL_SECONDS):
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

    async def say(self, reply: str) -> None:
        """Send a reply."""
        self.note("S", reply)
        self._writer.write(reply.encode("utf-8", "replace") + b"\r\n")
        await self._soon(self._writer.drain())

    async def last_word(self, reply: str) -> NoReturn:
        """Send a reply, and end the connection."""
        await self.say(reply)
        raise HungUp

    async def close(self) -> None:
        """Let the client read what was said, and end the connection."""
        self._writer.close()
        with suppress(OSError):
            await self._soon(self._writer.wait_closed())

    def let_go(self) -> None:
        """End the connection, if that has not happened yet."""
        self._crowd.gone(self)
        self._writer.transport.abort()

    def cut_off(self) -> None:
        """End the connection at once, whatever goes on."""
        self._writer.transport.abort()
        if self._task is not None:
            self._task.cancel()

    async def _more(self, buffer: bytearray) -> None:
        piece = await self._soon(self._reader.read(bounds.BUFFER_BYTES))
        if not piece:
            raise EOFError
        buffer += piece

    async def _soon(self, step: Coroutine[Any, Any, T]) -> T:
        self._crowd.heard(self)
        try:
            async with asyncio.timeout(bounds.SMTP_SECONDS):
                return await step
        except TimeoutError:
            self._writer.transport.abort()
            raise
