"""The claims that this process holds, each with its message.

Celery and its extensions keep messages in places that a broker cannot list: a pool, a token bucket,
a timer, a list of an extension. But after Python has deleted a message, its job can neither run
here nor be acknowledged. So when the channel of an unacknowledged claim has closed and Python has
deleted the message, the claim is given back to its queue.
"""

import gc
import threading
import time
import weakref
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

from .claim import Claim, Claimed, Ending

#: For this time (seconds) after a channel has closed, searches for dropped messages run the garbage
#: collector, which does not run by itself in an idle process.
_SEARCH = 30.0


@dataclass(slots=True)
class Held:
    """A claim with its message.

    Attributes:
        ending: the requested end of the claim, or None.
        delivered: a weak reference to Celery's object for the message, or None before its delivery.
        closed: True if the channel that delivered the message has closed.
    """

    claim: Claim
    message: str
    ending: Ending | None = None
    delivered: weakref.ref[Any] | None = None
    closed: bool = False

    @property
    def forgotten(self) -> bool:
        return self.closed and self.delivered is not None and self.delivered() is None


class HeldClaims:
    """The claims of this process, by delivery tag. Safe to use from every thread."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._tags = count(1)
        self._refused: set[Claim] = set()
        self._unanswered: set[Claim] = set()
        self._search_until = 0.0
        self._lock = threading.Lock()

    def take(self, claimed: Claimed) -> str | None:
        """Add a claim, and return the tag of this delivery.

        Each delivery has a new tag, since a job may be delivered again before its previous run has
        ended. Returns None if `refuse_unanswered` has refused the claim meanwhile.
        """
        tag = str(next(self._tags))
        with self._lock:
            if claimed.claim in self._refused:
                return None
            self._held[tag] = Held(claimed.claim, claimed.message)
        return tag

    def get(self, tag: str) -> Held | None:
        return self._held.get(tag)

    def end(self, tag: str) -> None:
        with self._lock:
            self._held.pop(tag, None)

    def clear(self) -> None:
        with self._lock:
            self._held.clear()

    def claims(self) -> dict[str, Claim]:
        with self._lock:
            return {tag: held.claim for tag, held in self._held.items()}

    def delivered(self, tag: str, message: Any) -> None:
        if held := self._held.get(tag):
            held.delivered = weakref.ref(message)

    def channel_closed(self, tags: Iterable[str]) -> None:
        self._search_until = time.monotonic() + _SEARCH
        for tag in tags:
            if held := self._held.get(tag):
                held.closed = True

    def forgotten(self) -> list[str]:
        """Return the tags of claims whose messages Celery has dropped, the newest first.

        In the first seconds after a channel has closed, run the garbage collector first.
        """
        with self._lock:
            closed = {tag: held for tag, held in self._held.items() if held.closed}
        if closed and time.monotonic() < self._search_until:
            gc.collect()
        tags = [tag for tag, held in closed.items() if held.forgotten]
        return sorted(tags, key=int, reverse=True)

    def refuse_unanswered(self, claims: Collection[Claim]) -> set[Claim]:
        """Return the claims whose replies were lost. From now on, `take` refuses these claims.

        A reply counts as lost if its claim is in Redis, but not in this process, at two successive
        calls of this method. If the reply arrives later, another worker may already run the job.

        Args:
            claims: the worker's claims in Redis.
        """
        with self._lock:
            unanswered = set(claims) - {held.claim for held in self._held.values()}
            lost, self._unanswered = unanswered & self._unanswered, unanswered
            self._refused |= lost  # keeps: one-end
        return lost
