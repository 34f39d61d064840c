"""Jobs that wait, by what is written down of them, and are in no queue any more."""

from __future__ import annotations

import time
from collections.abc import Collection


class Missing:
    """A worker takes a job off its queue, and writes down later that it has it: one that is killed
    in between leaves the job nowhere. seconds: after which a job that is missed counts as lost.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[str, float] = {}  # when each was first missed, by the monotonic clock

    def lost(self, missing: Collection[str], asked: Collection[str]) -> set[str]:
        """Those that have been missed for so long. asked: what was looked for just now."""
        now = time.monotonic()
        others = {job: at for job, at in self._since.items() if job not in asked}
        self._since = others | {job: self._since.get(job, now) for job in missing}
        return {job for job in missing if now - self._since[job] > self._seconds}
