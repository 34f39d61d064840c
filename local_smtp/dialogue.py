"""What client and server said to each other about one mail, with the time of each line."""

import time

from aiosmtpd.smtp import sanitize

from local_smtp.models import Line

_LINES = 400
_LINE_LENGTH = 1000


class Dialogue:
    """Collects what is said, up to 400 lines of 1,000 characters.

    The client's bytes come as they arrive, so one line may come in pieces: they are joined here.
    The mail itself is no part of it (its bytes are stored apart), nor is a password.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._partial = b""
        self.secret = False
        """While set, what the client says is not written down."""

    def client(self, data: bytes) -> None:
        """Write down bytes from the client."""
        *lines, rest = (self._partial + data).split(b"\n")
        self._partial = rest[:_LINE_LENGTH]
        for line in lines:
            text = b"********" if self.secret else sanitize(line[:_LINE_LENGTH].rstrip(b"\r"))
            self._add("C", text.decode("utf-8", "backslashreplace"))

    def server(self, reply: str) -> None:
        """Write down a reply."""
        self._add("S", reply)

    def note(self, text: str) -> None:
        """Write down what happened without a word."""
        self._add("#", text)

    def _add(self, who: str, text: str) -> None:
        if len(self.lines) < _LINES:
            self.lines.append(Line(round(time.time(), 4), who, text[:_LINE_LENGTH]))
