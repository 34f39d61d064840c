"""The mail sink as the stage shows it, and how it is told to misbehave."""

from __future__ import annotations

from typing import Any

from demo_app.web.inbox import Inbox

SLOW = {"at": "data", "do": "wait", "seconds": 1.5}
DOWN = {"at": "connect", "do": "close"}
#: Goes with DOWN: workers keep their connections open, and those end as well.
HANG_UP = {"at": "mail", "do": "close"}


class Sink(Inbox):
    """The inbox, what it counts, and its faults."""

    def stats(self) -> dict[str, int] | None:
        """Mails accepted, distinct, duplicates, refused; None when the sink does not answer."""
        numbers: dict[str, int] | None = self.ask("GET", "/api/stats")
        return numbers

    def mood(self) -> tuple[str, float]:
        """How the mail server behaves: well, slow, down, odd (other faults), or away; and how many
        seconds it takes for a mail when it is slow."""
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
        """How often the faults in force have hit a mail."""
        return sum(int(rule.get("hits", 0)) for rule in self.ask("GET", "/api/faults") or ())

    def misbehave(self, *rules: dict[str, Any]) -> bool:
        """Put these faults in force and no others; False when the sink does not answer."""
        return self.ask("PUT", "/api/faults", list(rules)) is not None

    def clear(self) -> None:
        """Delete every mail."""
        self.ask("DELETE", "/api/messages")
