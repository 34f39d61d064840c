"""The mail sink on the stage: its counts and its faults."""

from __future__ import annotations

from typing import Any

from demo_app.web.inbox import Inbox

SLOW = {"at": "data", "do": "wait", "seconds": 1.5}
DOWN = {"at": "connect", "do": "close"}
#: Used with DOWN: it also closes the connections that workers keep open.
HANG_UP = {"at": "mail", "do": "close"}


class Sink(Inbox):
    """The inbox, its counts and its faults."""

    def stats(self) -> dict[str, int] | None:
        """Return the counts of mails, or None if the sink does not answer."""
        numbers: dict[str, int] | None = self.ask("GET", "/api/stats")
        return numbers

    def mood(self) -> tuple[str, float]:
        """Return the mood (well, slow, down, odd, away), and the seconds for a mail if slow.

        The mood is "odd" with other faults, and "away" if the sink does not answer.
        """
        rules = self.ask("GET", "/api/faults")
        if rules is None:
            return "away", 0.0
        kinds = {(rule.get("at"), rule.get("do")): rule for rule in rules}
        if (DOWN["at"], DOWN["do"]) in kinds:
            return "down", 0.0
        slow = kinds.get((SLOW["at"], SLOW["do"]))
        if slow is not None:
            return "slow", float(slow.get("seconds", 0))
        return "odd" if rules else "well", 0.0

    def hits(self) -> int:
        """Return the number of times that the present faults have affected a mail."""
        return sum(int(rule.get("hits", 0)) for rule in self.ask("GET", "/api/faults") or ())

    def misbehave(self, *rules: dict[str, Any]) -> bool:
        """Replace the faults with these. Return False if the sink does not answer."""
        return self.ask("PUT", "/api/faults", list(rules)) is not None

    def clear(self) -> None:
        self.ask("DELETE", "/api/messages")
