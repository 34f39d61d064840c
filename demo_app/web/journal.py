"""The journal in Redis, a capped stream of every change of state, as JSON."""

from __future__ import annotations

from typing import Any

from demo_app.broker.connection import Decoded
from demo_app.broker.events import notes_of


def as_json(entry_id: str, fields: dict[str, str]) -> dict[str, Any]:
    """An entry of the journal; `at` is in seconds since the epoch."""
    notes = notes_of(fields.get("detail", ""))
    notes.pop("traceback", None)
    others = {name: value for name, value in fields.items() if name != "detail"}
    return {**others, **notes, "at": int(entry_id.partition("-")[0]) / 1000}


def events_since(client: Decoded, moment: float, most: int) -> list[dict[str, Any]]:
    """The entries since a moment (epoch seconds), at most so many, the oldest first."""
    rows: Any = client.xrange("journal", min=int(moment * 1000), count=most)
    return [as_json(entry, fields) for entry, fields in rows]
