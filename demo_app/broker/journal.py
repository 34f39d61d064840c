"""The journal: a capped stream of every change, the oldest first."""

from collections.abc import Iterator
from typing import Any

from .connection import Decoded
from .events import Event

#: Limit of the entries that one command reads.
_AT_ONCE = 5000


def entry_of(entry_id: str, fields: dict[str, str]) -> Event:
    job, event, by, detail = (fields.get(name, "") for name in ("job", "event", "by", "detail"))
    return Event(event, order(entry_id)[0] / 1000, by, detail, job, entry_id)


def order(entry_id: str) -> tuple[int, int]:
    """Return an entry's sort key: milliseconds since the epoch, and a number in the millisecond."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)


def between(client: Decoded, since: float, until: float, limit: int) -> list[Event]:
    """Return the newest `limit` entries between two times (epoch seconds), the oldest first."""
    last, first = int(until * 1000), int(since * 1000)
    rows: Any = client.xrevrange("journal", max=last, min=first, count=limit)
    return [entry_of(*row) for row in reversed(rows)]


def after(client: Decoded, last: str = "0-0", limit: int = _AT_ONCE) -> list[Event]:
    rows: Any = client.xrange("journal", min=f"({last}", count=limit)
    return [entry_of(*row) for row in rows]


def all_events(client: Decoded) -> Iterator[Event]:
    page = after(client)
    yield from page
    while len(page) == _AT_ONCE:
        page = after(client, page[-1].id)
        yield from page
