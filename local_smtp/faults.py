"""Faults on request: the rules in force, and which of them strikes."""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from local_smtp.fault_rules import Fault, FaultInForce, FaultToPut, Step


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that is to be played now."""

    id: int
    fault: Fault

    def in_words(self) -> str:
        """Return which rule it is and what it does, for people."""
        return f"rule {self.id}, {self.fault.in_words()}"


@dataclass(slots=True)
class _Rule:
    id: int
    fault: Fault
    draws: random.Random
    seen: int = 0
    hits: int = 0

    def strikes(self) -> bool:
        match = self.fault.match
        self.seen += 1
        if match.nth is not None and self.seen != match.nth:
            return False
        if match.every is not None and self.seen % match.every:
            return False
        if self.fault.times is not None and self.hits >= self.fault.times:
            return False
        if self.draws.random() >= self.fault.probability:
            return False
        self.hits += 1
        return True


class Faults:
    """The rules in force; of those that match, the first wins. Safe to use from any thread."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._next_id = 1
        self._lock = threading.Lock()

    def put(self, faults: Sequence[Fault]) -> list[FaultInForce]:
        """Put these rules in force instead of all others.

        Each counts from nought, but for one that is put back unchanged under its `id`.
        """
        with self._lock:
            old = {rule.id: rule for rule in self._rules}
            self._rules = [self._same(old, fault) or self._new(fault) for fault in faults]
        return self.in_force()

    @staticmethod
    def _same(old: dict[int, _Rule], fault: Fault) -> _Rule | None:
        if not isinstance(fault, FaultToPut) or fault.id is None:
            return None
        rule = old.pop(fault.id, None)
        return rule if rule is not None and rule.fault == _plain(fault) else None

    def _new(self, fault: Fault) -> _Rule:
        rule = _Rule(self._next_id, _plain(fault), random.Random(fault.seed))
        self._next_id += 1
        return rule

    def clear(self) -> None:
        """Take all rules out of force."""
        self.put([])

    def in_force(self) -> list[FaultInForce]:
        """Return the rules in force, in their order."""
        with self._lock:
            return [
                FaultInForce(**dict(rule.fault), id=rule.id, hits=rule.hits) for rule in self._rules
            ]

    def hit(
        self, step: Step, sender: str = "", recipients: Sequence[str] = (), subject: str = ""
    ) -> Hit | None:
        """Return the rule to play at this step of a mail, if any."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                fault = rule.fault
                if (
                    fault.at is step
                    and fault.match.takes(sender, recipients, subject)
                    and rule.strikes()
                ):
                    return Hit(rule.id, fault)
        return None


def _plain(fault: Fault) -> Fault:
    return Fault(**{name: getattr(fault, name) for name in Fault.model_fields})
