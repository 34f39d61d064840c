"""What went otherwise than the client hoped: refusals, and faults that were played."""

import threading
from collections import deque
from dataclasses import dataclass

from local_smtp.fault_rules import Step
from local_smtp.faults import Hit

_KEPT = 500


@dataclass(frozen=True, slots=True)
class Incident:
    """One refusal or one hit of a fault rule; `at` is in Unix seconds."""

    at: float
    step: Step
    peer: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    reply: str | None
    """The refusal, if there was one."""
    hit: Hit | None
    message: int | None
    """The mail that was stored all the same."""
    dialogue: str


class Incidents:
    """The latest incidents, in memory: they explain what was just seen. Safe in any thread."""

    def __init__(self) -> None:
        self._latest: deque[Incident] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def add(self, incident: Incident) -> None:
        """Keep an incident."""
        with self._lock:
            self._latest.append(incident)

    def newest_first(self) -> list[Incident]:
        """Return the latest incidents."""
        with self._lock:
            return list(reversed(self._latest))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._latest.clear()
