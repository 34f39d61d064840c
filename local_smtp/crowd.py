"""How many clients may be connected at once, and how much of theirs may be held in memory."""

from __future__ import annotations

from collections.abc import Callable

#: How a client is known: what cuts it off.
CutOff = Callable[[], None]


class Crowd:
    """The open connections of a server: at most `limit`, with at most `held_limit` bytes.

    When one more comes, the one that has said nothing for the longest time is cut off: clients
    that connect and say nothing keep no others out. The same holds for bytes, among the clients
    that have some. Not safe in threads: each server has its own.
    """

    def __init__(self, limit: int, held_limit: int = 0) -> None:
        self._limit, self._held_limit = limit, held_limit
        self._clients: dict[CutOff, int] = {}  # bytes held for each; the latest to speak is last
        self._held = 0

    def heard(self, client: CutOff, held: int = 0) -> None:
        """Note that a client has connected or said something; held: bytes of its request."""
        self.gone(client)
        self._clients[client] = held
        self._held += held
        if len(self._clients) > self._limit:
            self._end(next(iter(self._clients)))
        while self._held_limit < self._held != held:
            self._end(next(one for one, size in self._clients.items() if size))

    def gone(self, client: CutOff) -> None:
        """Note that a client is not connected any more."""
        self._held -= self._clients.pop(client, 0)

    def _end(self, client: CutOff) -> None:
        self.gone(client)
        client()
