"""What client and server said to each other about one mail, with the time of each word."""

import json
import time
from enum import StrEnum

from aiosmtpd.smtp import sanitize

_LINES = 400
_LINE_LENGTH = 1000


class Voice(StrEnum):
    """Who said it."""

    CLIENT = "C"
    SERVER = "S"
    NOTE = "#"


class Dialogue:
    """Collects what is said; long ones are cut in the middle of nothing that matters.

    Client bytes come as they arrive, so one line may come in pieces: they are joined here.
    The mail itself is no part of it (its bytes are kept apart), nor is a password.
    """

    def __init__(self) -> None:
        self._said: list[tuple[float, Voice, str]] = []
        self._partial = b""
        self.secret = False
        """While set, what the client says is not written down."""

    def client(self, data: bytes) -> None:
        """Take down bytes from the client."""
        data = self._partial + data
        *lines, rest = data.split(b"\n")
        self._partial = rest[:_LINE_LENGTH]
        for line in lines:
            text = b"********" if self.secret else sanitize(line.rstrip(b"\r"))
            self._add(Voice.CLIENT, text.decode("utf-8", "backslashreplace"))

    def server(self, reply: str) -> None:
        """Take down a reply."""
        self._add(Voice.SERVER, reply)

    def note(self, text: str) -> None:
        """Take down what happened without a word."""
        self._add(Voice.NOTE, text)

    def to_json(self) -> str:
        """Return a JSON list of `[Unix seconds, "C" | "S" | "#", text]`."""
        return json.dumps(self._said, ensure_ascii=False)

    def begin_again(self) -> None:
        """Start the next mail's dialogue on the same connection."""
        self._said.clear()

    def _add(self, voice: Voice, text: str) -> None:
        if len(self._said) < _LINES:
            self._said.append((round(time.time(), 4), voice, text[:_LINE_LENGTH]))
