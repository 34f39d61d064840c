"""How many clients may be connected at once, and how much of theirs may be held in memory."""

from __future__ import annotations

from itertools import chain
from typing import Protocol


class Client(Protocol):
    """A connection, as a crowd sees it."""

    def cut_off(self) -> None:
        """End the connection at once."""


class Crowd:
    """The open connections of a server: at most `limit`, with at most `held_limit` bytes.

    When one more comes, the one that has said nothing for the longest time is cut off: clients
    that connect and say nothing keep no other out. One that waits for its answer is spared while
    there are others. The same goes for bytes, among those for whom some are held. Not safe in
    threads: each server has its own.
    """

    def __init__(self, limit: int, held_limit: int = 0) -> None:
        self._limit, self._held_limit = limit, held_limit
        # both in the order in which they spoke last, with the bytes held for each
        self._silent: dict[Client, int] = {}
        self._waiting: dict[Client, int] = {}
        self._held = 0

    def heard(self, client: Client, held: int = 0) -> None:
        """Note that a client has connected or said something; held: bytes of its request."""
        self.gone(client)
        self._put(client, held, self._silent)

    def waits(self, client: Client, held: int = 0) -> None:
        """Note that a client has said all, and waits for the answer."""
        self.gone(client)
        self._put(client, held, self._waiting)

    def holds(self, client: Client, held: int) -> None:
        """Note that bytes are held for a client without a word from it: it reads no answer."""
        where = self._waiting if client in self._waiting else self._silent
        self._held -= where.get(client, 0)
        self._put(client, held, where)

    def gone(self, client: Client) -> None:
        """Note that a client is not connected any more."""
        self._held -= self._silent.pop(client, 0) + self._waiting.pop(client, 0)

    def _put(self, client: Client, held: int, where: dict[Client, int]) -> None:
        where[client] = held
        self._held += held
        if len(self._silent) + len(self._waiting) > self._limit:
            self._cut_off(next(one for one, _ in self._everyone() if one is not client))
        while self._held_limit < self._held != held:
            self._cut_off(next(one for one, size in self._everyone() if size and one is not client))

    def _everyone(self) -> chain[tuple[Client, int]]:
        return chain(self._silent.items(), self._waiting.items())

    def _cut_off(self, client: Client) -> None:
        self.gone(client)
        client.cut_off()
