"""What a campaign is to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from demo_app.settings import Safeguard, Transport
from demo_app.verification.chaos.context import FaultType
from demo_app.verification.chaos.fault_types import AGAINST, FAULT_TYPES

#: Seconds between two faults, on average.
PACE = 0.8


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign is to do. seconds: stop making faults after that, however many there were.

    without: safeguards to leave out; aimed: make only the faults that would show that a safeguard
    is left out: these, or any. (What shows the need of the atomic claim can't happen with it.)
    only: faults with this in their name. pace: seconds between two faults, on average.
    every: faults after which all is counted, and the campaign ends if the promise is broken; 0
    counts once, in the end. patience: seconds without any progress after which a mail that has not
    come is lost. history: where to keep what was written down; None keeps nothing.
    The same seed makes the same faults in the same order; the moment at which each strikes is up
    to the machine as well.
    """

    faults: int = 1000
    seconds: float = 3600.0
    seed: int = 0
    workers: int = 4
    transport: Transport = Transport.CLAIMS
    without: frozenset[Safeguard] = frozenset()
    patience: float = 30.0
    aimed: bool = False
    only: str = ""
    pace: float = PACE
    every: int = 0
    history: Path | None = None

    @property
    def stock(self) -> bool:
        """Whether it is Celery's own transport that is tested."""
        return self.transport is Transport.STOCK

    @property
    def kinds(self) -> tuple[FaultType, ...]:
        """What there is to choose from. Raises ValueError when that is nothing."""
        kinds = [kind for kind in FAULT_TYPES if kind.stock or not self.stock]
        aims = self.without or frozenset(AGAINST) - {Safeguard.ATOMIC_CLAIM}
        if self.aimed:
            kinds = [kind for safeguard in sorted(aims) for kind in AGAINST[safeguard]]
        elif Safeguard.ATOMIC_CLAIM in self.without:
            kinds += AGAINST[Safeguard.ATOMIC_CLAIM]
        found = tuple(kind for kind in kinds if self.only in kind.name)
        if not found:
            raise ValueError(f"there is no fault with {self.only!r} in its name")
        return found
