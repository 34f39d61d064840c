"""The mail sink of the stage: the number of its mails, and the faults of its mail server."""

from typing import Any

from demo_app.web.inbox import Inbox

SLOW = {"at": "data", "do": "wait", "seconds": 1.5}
DOWN = {"at": "connect", "do": "close"}
#: HANG_UP closes a connection that a worker has kept open, when the worker sends its next mail. It
#: is used together with DOWN, which affects only new connections.
HANG_UP = {"at": "mail", "do": "close"}


class Sink(Inbox):
    """A client of the mail sink, for the counts of mails and the faults of the mail server."""

    def stats(self) -> dict[str, int] | None:
        """Return the counts of mails, or None if the sink does not answer."""
        numbers: dict[str, int] | None = self.request("GET", "/api/stats")
        return numbers

    def mood(self) -> tuple[str, float]:
        """Return the state of the mail server, and the seconds for a mail (0 unless it is slow).

        The state is "well" (no faults), "slow", "down", "odd" (other faults), or "away" (the sink
        does not answer).
        """
        rules = self.request("GET", "/api/faults")
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
        """Return how often the faults have affected a mail; 0 if the sink does not answer."""
        return sum(int(rule.get("hits", 0)) for rule in self.request("GET", "/api/faults") or ())

    def misbehave(self, *rules: dict[str, Any]) -> bool:
        """Replace the faults of the mail server. Return False if the sink does not answer.

        Args:
            rules: the new faults. Without rules the mail server works normally.
        """
        return self.request("PUT", "/api/faults", list(rules)) is not None

    def clear(self) -> None:
        self.request("DELETE", "/api/messages")
