"""The fault rules in force, and the choice of the rule for a mail."""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from local_smtp.fault_rules import Fault, Step


@dataclass(slots=True)
class _Rule:
    fault: Fault
    draws: random.Random
    seen: int = 0
    hits: int = 0

    def strikes(self) -> bool:
        match, times = self.fault.match, self.fault.times
        self.seen += 1
        struck = (
            match.nth in (None, self.seen)
            and self.seen % (match.every or 1) == 0
            and (times is None or self.hits < times)
            and self.draws.random() < self.fault.probability
        )
        self.hits += struck
        return struck

    def in_force(self) -> Fault:
        return self.fault.model_copy(update={"hits": self.hits})


class Faults:
    """The fault rules in force, in order, for use from any thread.

    At each step of a session, the first rule that hits the mail applies.
    """

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._last_id = 0
        self._lock = threading.Lock()

    def put(self, faults: Sequence[Fault]) -> list[Fault]:
        """Replace all rules by these, and return the new rules with their ids.

        Each count of hits starts at zero, except if a rule is sent again unchanged, with its `id`.
        """
        with self._lock:
            old = {rule.fault.id: rule for rule in self._rules}
            self._rules = []
            for fault in faults:
                kept = old.pop(fault.id, None)
                if kept is None or kept.fault != fault.model_copy(update={"hits": 0}):
                    self._last_id += 1
                    new = fault.model_copy(update={"id": self._last_id, "hits": 0})
                    kept = _Rule(new, random.Random(fault.seed))
                self._rules.append(kept)
        return self.in_force()

    def in_force(self) -> list[Fault]:
        with self._lock:
            return [rule.in_force() for rule in self._rules]

    def hit(
        self, step: Step, sender: str = "", recipients: Sequence[str] = (), subject: str = ""
    ) -> Fault | None:
        """Return the first rule that hits the mail at this step, or None. Count the hit."""
        with self._lock:
            for rule in self._rules:
                if (
                    rule.fault.at == step
                    and rule.fault.match.takes(sender, recipients, subject)
                    and rule.strikes()
                ):
                    return rule.in_force()
        return None
