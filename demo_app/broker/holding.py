"""What this process holds: each claim with its message, until it is ended.

Celery, and what extends it, keeps a message in places that nobody can list: a pool, a token bucket,
a timer, a list of an extension's own. But what nothing in this process refers to any more can't be
run here, nor acknowledged. So a message is forgotten when its channel has closed and Python has
deleted it, and until then it is held, wherever it is.
"""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

from .claim import Claim, Claimed, Ending

#: Seconds after a channel's end in which the garbage collector is helped to find what Celery has
#: dropped: an idle process would not run it.
_SEARCH = 30.0


@dataclass(slots=True)
class Held:
    """A claim with its message, and how it is to end, once that is known.

    delivered: Celery's own object for the message. closed: the channel that brought it has closed.
    """

    claim: Claim
    message: str
    ending: Ending | None = None
    delivered: weakref.ref[Any] | None = None
    closed: bool = False

    @property
    def forgotten(self) -> bool:
        """Nothing in this process can run it any more."""
        return self.closed and self.delivered is not None and self.delivered() is None


class Holding:
    """See the module; by Celery's delivery tag. Safe to use from every thread."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._tags = count(1)
        self._refused: set[Claim] = set()
        self._unanswered: set[Claim] = set()
        self._search_until = 0.0
        self._lock = threading.Lock()

    def take(self, claimed: Claimed) -> str | None:
        """Hold a claim; returns its tag, which is this delivery's own: the same job may come again
        while an old run still ends. None when it was refused meanwhile."""
        tag = str(next(self._tags))
        with self._lock:
            if claimed.claim in self._refused:
                return None
            self._held[tag] = Held(claimed.claim, claimed.message)
        return tag

    def get(self, tag: str) -> Held | None:
        """What is held under this tag."""
        return self._held.get(tag)

    def end(self, tag: str) -> None:
        """It is held no longer."""
        with self._lock:
            self._held.pop(tag, None)

    def clear(self) -> None:
        """Nothing is held any longer."""
        with self._lock:
            self._held.clear()

    def claims(self) -> dict[str, Claim]:
        """Every claim, by tag."""
        with self._lock:
            return {tag: held.claim for tag, held in self._held.items()}

    def delivered(self, tag: str, message: Any) -> None:
        """Celery has this object for the message now."""
        held = self._held.get(tag)
        if held is not None:
            held.delivered = weakref.ref(message)

    def channel_closed(self, tags: Iterable[str]) -> None:
        """The channel that brought these has closed: Celery may drop what it has not begun."""
        self._search_until = time.monotonic() + _SEARCH
        for tag in tags:
            held = self._held.get(tag)
            if held is not None:
                held.closed = True

    def forgotten(self) -> list[str]:
        """The tags of what nothing in this process can run any more, the newest first."""
        with self._lock:
            closed = {tag: held for tag, held in self._held.items() if held.closed}
        if closed and time.monotonic() < self._search_until:
            gc.collect()
        return sorted(
            (tag for tag, held in closed.items() if held.forgotten), key=int, reverse=True
        )

    def refuse_unanswered(self, claims: Collection[Claim]) -> set[Claim]:
        """Of the claims that Redis knows of, those whose answer has not come by the second look in
        a row: the connection broke before. Should it still come, it is refused."""
        with self._lock:
            unanswered = set(claims) - {held.claim for held in self._held.values()}
            lost, self._unanswered = unanswered & self._unanswered, unanswered
            self._refused |= lost  # keeps: one-end
        return lost
