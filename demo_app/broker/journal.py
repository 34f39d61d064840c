"""The journal: a capped stream of every change, the oldest first, and how it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .connection import Decoded
from .events import Event

#: Entries read in one go.
_AT_ONCE = 5000


def entry_of(entry_id: str, fields: dict[str, str]) -> Event:
    """A line as Redis has it."""
    job, event, by, detail = (fields.get(name, "") for name in ("job", "event", "by", "detail"))
    return Event(event, order(entry_id)[0] / 1000, by, detail, job, entry_id)


def order(entry_id: str) -> tuple[int, int]:
    """What entries are sorted by: milliseconds, and a number in each."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


def between(client: Decoded, since: float, until: float, most: int) -> list[Event]:
    """The entries between two moments (epoch seconds), the oldest first; of many, the newest."""
    last, first = int(until * 1000), int(since * 1000)
    rows: Any = client.xrevrange("journal", max=last, min=first, count=most)
    return [entry_of(*row) for row in reversed(rows)]


def after(client: Decoded, last: str = "0-0", most: int = _AT_ONCE) -> list[Event]:
    """The entries after the one of the id `last`, at most so many."""
    rows: Any = client.xrange("journal", min=f"({last}", count=most)
    return [entry_of(*row) for row in rows]


def whole(client: Decoded) -> Iterator[Event]:
    """Every entry that there is."""
    page = after(client)
    yield from page
    while len(page) == _AT_ONCE:
        page = after(client, page[-1].id)
        yield from page
