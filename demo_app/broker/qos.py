"""The unacknowledged messages of a channel: kombu's class `QoS`, with claims in Redis."""

import sys
from typing import Any

from kombu.exceptions import DecodeError
from kombu.transport import virtual

from . import process, worker
from .claim import Disposition, Ending
from .error_kinds import reason_of
from .in_flight import InFlight
from .keys import lists_of


class QoS(virtual.QoS):  # type: ignore[misc]
    """The unacknowledged messages of one channel. `InFlight` ends their claims in Redis."""

    def __init__(self, channel: Any, prefetch_count: int = 0) -> None:
        super().__init__(channel, prefetch_count)
        # a closed channel can't look up `in_flight`, but must still acknowledge its jobs
        self._in_flight: InFlight = channel.in_flight

    def can_consume(self) -> bool:
        return not self.prefetch_count or self._in_hand() < self.prefetch_count

    def can_consume_max_estimate(self) -> int | None:
        """Return how many more messages fit into the prefetch window; None for unlimited.

        The result is 1 if Celery has replaced `can_consume` (option --disable-prefetch).
        """
        if not self.prefetch_count:
            return None
        return 1 if "can_consume" in vars(self) else max(0, self.prefetch_count - self._in_hand())

    def _in_hand(self) -> int:
        # for a worker, also count jobs that it received over a connection that has broken since
        if process.controller():
            return len(self._in_flight.held())
        return len(self._delivered) - len(self._dirty)

    def append(self, message: Any, delivery_tag: str) -> None:
        """Store only a weak reference, so that `held.py` notices if Celery drops the message."""
        super().append(None, delivery_tag)
        self._in_flight.claims.delivered(delivery_tag, message)

    def ack(self, delivery_tag: str) -> None:
        """End the claim as done, or as dead if the message can't be decoded.

        An ending that `InFlight.set_ending` has stored takes precedence. The script that ends the
        claim may claim the next job, which is then delivered.
        """
        error, ending = sys.exc_info()[1], Ending(Disposition.DONE)
        if isinstance(error, DecodeError):  # Celery acknowledges unreadable messages
            ending = Ending(Disposition.DEAD, reason_of(error))
        self._end(delivery_tag, ending)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        ending = Ending(Disposition.REQUEUE_LAST)
        if not requeue:
            error = sys.exc_info()[1]  # Celery rejects inside its `except` block
            ending = Ending(Disposition.DEAD, reason_of(error) if error else "rejected")
        self._end(delivery_tag, ending)

    def _end(self, tag: str, ending: Ending) -> None:
        queues = self._queues_for_next_claim()
        claimed = self._in_flight.finish(tag, ending, lists_of(*queues))
        super().ack(tag)
        if claimed is not None:
            self.channel.deliver_claims([claimed], queues)
        else:
            worker.wake_event_loop()

    def _queues_for_next_claim(self) -> list[str]:
        """Return the queues from which to claim the next job when the present claim ends.

        Return [] in each of these cases:

        - The prefetch window is unlimited, or will still be full after this job has ended.
        - Celery has replaced `can_consume` (option --disable-prefetch).
        - `worker.may_claim_next` returns False.
        """
        if not worker.may_claim_next() or "can_consume" in vars(self):
            return []
        if self._in_hand() > self.prefetch_count:
            return []
        queues: list[str] = self.channel.claimed_queues()
        return queues

    def restore_unacked(self, *_: Any, **__: Any) -> list[Any]:
        """Requeue the messages of a closed channel, unless this process is a worker.

        The jobs of a worker may still run. `held.py` later finds those that Celery has dropped.
        """
        self._flush()
        if process.controller():
            self._in_flight.claims.channel_closed(self._delivered)
        else:
            for tag in reversed(list(self._delivered)):
                self._end(tag, Ending(Disposition.REQUEUE, "its consumer closed"))
        return []

    restore_unacked_once = restore_unacked  # called when the channel closes

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """Do nothing: there is no visibility timeout, since each worker has a lease."""
