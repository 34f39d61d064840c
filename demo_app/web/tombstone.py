"""What became of a killed worker's jobs, told from the journal: how many came back, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo_app.web import snapshot

#: Events after which nobody holds the job any more.
_RELEASED = ("rescued", "requeued", "retrying", "done", "dead", "discarded")


@dataclass(slots=True)
class Tombstone:
    """A killed worker. at: epoch seconds. held: the jobs that it had then and nobody has rescued.

    rescued: how many were given back, and after: how many seconds later; None while they wait.
    lost: those that it held when its end was found, and that did not come back.
    """

    worker: str
    at: float
    held: int
    rescued: int = 0
    after: float | None = None
    lost: int = 0

    @property
    def pid(self) -> int:
        """Its process."""
        return snapshot.pid_of(self.worker)


class Graveyard:
    """Follows the journal, event by event, and keeps the newest tombstone.

    since: epoch seconds; no event before that counts.
    """

    def __init__(self, since: float = 0.0) -> None:
        self.since = since
        self.stone: Tombstone | None = None
        self._held: dict[str, str] = {}  # worker by job

    def follow(self, event: dict[str, Any]) -> None:
        """Take the next event of the journal."""
        job, what = event["job"], event["event"]
        if what == "claimed":
            self._held[job] = event["by"]
        elif what in _RELEASED:
            owner, stone = self._held.pop(job, ""), self.stone
            if stone is not None and what == "rescued" and event.get("text") == stone.worker:
                stone.rescued += 1
            if stone is not None and owner == stone.worker:
                stone.held = self._count(owner)
        elif what == "worker_killed" and event["at"] >= self.since:
            worker = event["text"]
            if self.stone is None or self.stone.worker != worker:  # two may say so
                self.stone = Tombstone(worker, event["at"], self._count(worker))
        elif what == "worker_died" and self.stone and event["text"] == self.stone.worker:
            self.stone.after = event["at"] - self.stone.at
            self.stone.lost, self.stone.held = self._count(event["text"]), 0

    def _count(self, worker: str) -> int:
        return sum(owner == worker for owner in self._held.values())
