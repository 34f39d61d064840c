"""How many clients may be connected at once."""

from typing import Protocol


class Client(Protocol):
    """A connection, as a crowd sees it."""

    def cut_off(self) -> None:
        """End the connection at once."""


class Crowd:
    """The open connections of a server, at most `limit`.

    When one more comes, the one that has said nothing for the longest time is cut off: clients
    that connect and say nothing shut nobody out. Not safe in threads: each server has its own.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[Client, None] = {}  # in the order in which they spoke last

    def heard(self, client: Client) -> None:
        """Note that a client has connected or said something."""
        self._open.pop(client, None)
        self._open[client] = None
        if len(self._open) > self._limit:
            silent = next(iter(self._open))
            del self._open[silent]
            silent.cut_off()

    def gone(self, client: Client) -> None:
        """Note that a client is not connected any more."""
        self._open.pop(client, None)
