"""Jobs that Redis has on this worker's list and that nobody here runs: they are given back.

An orphan is given back when two looks in a row have met it, since an answer may be on its way.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from demo_app.broker.claim import Claim, Ending, Verdict

if TYPE_CHECKING:
    from demo_app.broker.in_flight import InFlight

log = logging.getLogger(__name__)


class Orphans:
    """Those of one worker. Every method raises redis.RedisError when Redis can't be reached."""

    def __init__(self, in_flight: InFlight) -> None:
        self._in_flight = in_flight
        self._unanswered: set[Claim] = set()
        self._dropped: set[str] = set()

    def give_back_unanswered(self) -> None:
        """Give back what was claimed over a connection that broke before the answer came.

        An answer that comes later still is refused: its claim is over.
        """
        here = self._in_flight
        claims = set(here.queue.held_by(here.lease.worker, here.lanes))
        unanswered = claims - set(here.held().values())
        lost, self._unanswered = here.refuse(unanswered & self._unanswered), unanswered
        for claim in lost:
            here.queue.finish(claim, Verdict.REQUEUE, detail="the claim's answer was lost")
        if lost:
            log.warning("Gave back jobs whose claim was never answered")

    def give_back_dropped(self) -> None:
        """Give back what Celery has dropped: what waited in it when its connection broke."""
        here = self._in_flight
        known = here.consumer.known_tags()
        if known is None:
            return
        unknown = here.held().keys() - known
        lost, self._dropped = unknown & self._dropped, unknown
        for tag in sorted(lost, key=int, reverse=True):  # the first one to the very head
            here.finish_soon(tag, Ending(Verdict.REQUEUE, "the connection broke before it ran"))
        if lost:
            log.warning("Gave back jobs that waited here when the connection broke")
