"""What a channel has in hand, and how each message ends: acknowledged, given back, or put aside."""

from __future__ import annotations

import sys
from typing import Any

from kombu.exceptions import DecodeError
from kombu.transport import virtual

from . import process, worker
from .blame import reason_of
from .claim import Disposition, Ending
from .in_flight import InFlight
from .keys import lanes_of


class QoS(virtual.QoS):  # type: ignore[misc]
    """What one channel has in hand; how a claim ends is decided in `in_flight`."""

    def __init__(self, channel: Any, prefetch_count: int = 0) -> None:
        super().__init__(channel, prefetch_count)
        # it outlives the channel: one that was closed has no connection any more
        self._in_flight: InFlight = channel.in_flight

    def can_consume(self) -> bool:
        """Whether there is a place for one more message."""
        return not self.prefetch_count or self._in_hand() < self.prefetch_count

    def can_consume_max_estimate(self) -> int | None:
        """How many more messages there is a place for; None when nobody has said how many."""
        if not self.prefetch_count:
            return None
        places: int = self.prefetch_count - self._in_hand()
        return max(places, 0)

    def _in_hand(self) -> int:
        """A worker still runs what it got over a connection that has broken since."""
        if process.controller():
            return len(self._in_flight.held())
        return len(self._delivered) - len(self._dirty)

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note what Celery gets, and do not keep it: who runs it does (see `holding`)."""
        super().append(None, delivery_tag)
        self._in_flight.holding.delivered(delivery_tag, message)

    def ack(self, delivery_tag: str) -> None:
        """The job has ended: done, unless something else was said of it."""
        error = sys.exc_info()[1]
        if isinstance(error, DecodeError):  # Celery acknowledges what it can't read
            self._end(delivery_tag, Ending(Disposition.DEAD, reason_of(error)))
        else:
            self._end(delivery_tag, Ending(Disposition.DONE))

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Put a message at the tail of its queue, so that others have their turn; or aside, if it
        can't be run."""
        if requeue:
            self._end(delivery_tag, Ending(Disposition.REQUEUE_LAST))
        else:
            error = sys.exc_info()[1]  # Celery rejects while it handles what was wrong
            self._end(
                delivery_tag, Ending(Disposition.DEAD, reason_of(error) if error else "rejected")
            )

    def _end(self, tag: str, ending: Ending) -> None:
        queues = self._queues_to_go_on_with()
        claimed = self._in_flight.finish(tag, ending, lanes_of(*queues))
        super().ack(tag)
        if claimed is not None:
            self.channel.hand_on([claimed], queues)
        else:
            worker.look_for_work()

    def _queues_to_go_on_with(self) -> list[str]:
        """The queues to take the next job from, in the step that ends this one.

        None when its place is not free then, or when another part of Celery decides on that.
        """
        asked_by_celery = "can_consume" in vars(self)  # it has put its own in the method's place
        if not worker.goes_on() or asked_by_celery or self._in_hand() > self.prefetch_count:
            return []
        queues: list[str] = self.channel.claimed_queues()
        return queues

    def restore_unacked(self, *_: Any, **__: Any) -> list[Any]:
        """Give back what is in hand, unless this is a Celery worker: its claims stay in Redis,
        whatever becomes of the connection, and its jobs go on; what Celery drops is forgotten."""
        self._flush()
        if process.controller():
            self._in_flight.holding.channel_closed(self._delivered)
        else:
            for tag in reversed(list(self._delivered)):
                self._end(tag, Ending(Disposition.REQUEUE, "its consumer closed"))
        return []

    restore_unacked_once = restore_unacked  # when the channel is closed

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """Nothing to do: a claim has no timeout, its worker has a lease."""
