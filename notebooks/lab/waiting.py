"""Waiting for what a lab does: for named events, with an end to patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from lab.lifecycle import LabError, Lifecycle

#: The states of jobs that are still to be done.
UNFINISHED = ("queued", "running", "retrying", "scheduled")


class Waiting(Lifecycle):
    """A lab that one can wait for."""

    def wait(self, seconds: float = 120.0) -> None:
        """Wait until every mail has arrived and nothing is left to do.

        Raises LabError when that does not come to pass in the time.
        """
        try:
            self.client.wait_for_mails(len(self.posted), seconds)
            self.client.wait_for(lambda now: not any(now[state] for state in UNFINISHED), seconds)
        except TimeoutError as error:
            raise LabError(f"Waited in vain: {error}") from None

    def until(self, ask: Callable[[], Any], what: str = "it", seconds: float = 120.0) -> Any:
        """Ask until the answer is yes, and return it. Raises LabError when the time is up."""
        deadline = time.monotonic() + seconds
        while not (answer := ask()):
            if time.monotonic() > deadline:
                raise LabError(f"Waited {seconds:.0f} s in vain for {what}.")
            time.sleep(0.01)
        return answer

    def until_still(self, still: float = 1.5, seconds: float = 120.0) -> None:
        """Wait until the queue is empty and nothing has moved for so long: for stock Celery, which
        does not tell when it is done."""
        redis, last, since = self.redis, None, time.monotonic()

        def quiet() -> bool:
            nonlocal last, since
            now = (self.client.mail_stats()["accepted"], redis.hlen("unacked"), redis.llen("mail"))
            if now != last:
                last, since = now, time.monotonic()
            return now[2] == 0 and time.monotonic() - since >= still

        self.until(quiet, "stillness", seconds)

    def until_mails_are_still(self, still: float, seconds: float = 120.0) -> None:
        """Wait until every mail has come, or none has for so long."""
        last, since = -1, time.monotonic()

        def quiet() -> bool:
            nonlocal last, since
            stats = self.client.mail_stats()
            if stats["accepted"] != last:
                last, since = stats["accepted"], time.monotonic()
            complete = stats["distinct"] >= len(self.posted)
            return complete or time.monotonic() - since >= still

        self.until(quiet, "stillness", seconds)

    def in_hand(self) -> float:
        """For how many seconds stock Celery's worker has had its oldest job in hand."""
        oldest = self.redis.zrange("unacked_index", 0, 0, withscores=True)
        return time.time() - oldest[0][1] if oldest else 0.0

    def fault_hits(self) -> int:
        """How often a fault of the mail server has struck, under the rules in force."""
        ready = self.stack.ready
        bearer = {"authorization": f"Bearer {ready['token']}"}
        rules = httpx.get(f"{ready['inbox']}/api/faults", headers=bearer).json()
        return sum(int(rule["hits"]) for rule in rules)
