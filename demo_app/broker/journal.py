"""The journal: a capped stream of every change, the oldest first, and how it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .connection import Decoded

#: Entries read in one go.
_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. at: epoch seconds, by the clock of Redis. job: its id; "" when it is about a
    worker. by: the worker, or who it was. detail: JSON, or plain words; see `notes_of`."""

    at: float
    job: str
    event: str
    by: str = ""
    detail: str = ""
    id: str = ""


def entry_of(entry_id: str, fields: dict[str, str]) -> Entry:
    """A line as Redis has it."""
    job, event, by, detail = (fields.get(name, "") for name in ("job", "event", "by", "detail"))
    return Entry(order(entry_id)[0] / 1000, job, event, by, detail, entry_id)


def order(entry_id: str) -> tuple[int, int]:
    """What entries are sorted by: milliseconds, and a number in each."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


def between(client: Decoded, since: float, until: float, most: int) -> list[Entry]:
    """The entries between two moments (epoch seconds), the oldest first; of many, the newest."""
    last, first = int(until * 1000), int(since * 1000)
    rows: Any = client.xrevrange("journal", max=last, min=first, count=most)
    return [entry_of(*row) for row in reversed(rows)]


def after(client: Decoded, last: str = "0-0", most: int = _AT_ONCE) -> list[Entry]:
    """The entries after the one of the id `last`, at most so many."""
    rows: Any = client.xrange("journal", min=f"({last}", count=most)
    return [entry_of(*row) for row in rows]


def whole(client: Decoded) -> Iterator[Entry]:
    """Every entry that there is."""
    page = after(client)
    yield from page
    while len(page) == _AT_ONCE:
        page = after(client, page[-1].id)
        yield from page
