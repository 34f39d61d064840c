"""The mail sink behind the blog: what arrived there, and how it is told to misbehave.

The web app talks to it as any program does, over HTTP with the start-up token. Without a sink
(a real mail server, say) every answer is "nothing known".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from demo_app.broker.events import JobView
from demo_app.settings import settings

_SECONDS = 2.0
#: Mails asked for in one call; the sink's own limit.
_PAGE = 500

SLOW = {"at": "data", "do": "wait", "seconds": 1.5}
DOWN = {"at": "connect", "do": "close"}
#: What goes with it: workers keep their connections open, and those end as well.
HANG_UP = {"at": "mail", "do": "close"}


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that a job sent. link: within this app, leads to the mail in the inbox."""

    message_id: str
    link: str


def mail_of(job: JobView) -> SentMail | None:
    """The mail of a job that ended well and sent one."""
    if job.message_id is None:
        return None
    return SentMail(job.message_id, f"inbox?job={job.id}")


class Inbox:
    """A client of the sink's API."""

    def __init__(self) -> None:
        chosen = settings()
        self.there = bool(chosen.inbox_url)
        self._http = httpx.Client(
            base_url=chosen.inbox_url or "http://nowhere.invalid",
            headers={"authorization": f"Bearer {chosen.token}"},
            timeout=_SECONDS,
            trust_env=False,
        )

    def stats(self) -> dict[str, int] | None:
        """Mails accepted, distinct, duplicates, refused; None when the sink does not answer."""
        told: dict[str, int] | None = self._ask("GET", "/api/stats")
        return told

    def newest(self, cursor: str | None = None) -> tuple[list[dict[str, Any]], str | None]:
        """A page of mails, newest first, and the cursor of the next."""
        asked = {"limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
        told = self._ask("GET", "/api/messages", params=asked) or {}
        return told.get("messages", []), told.get("next")

    def mail_id(self, job_id: str) -> int | None:
        """The sink's number for the mail of a job, if it is among the newest few thousand."""
        cursor: str | None = None
        for _ in range(4):
            mails, cursor = self.newest(cursor)
            for mail in mails:
                if mail.get("job_id") == job_id:
                    return int(mail["id"])
            if cursor is None:
                break
        return None

    def mood(self) -> tuple[str, float]:
        """How the mail server behaves: well, slow, down, odd (other faults), or away; and how many
        seconds it takes for a mail when it is slow."""
        rules = self._ask("GET", "/api/faults")
        if rules is None:
            return "away", 0.0
        kinds = {(rule.get("at"), rule.get("do")): rule for rule in rules}
        if (DOWN["at"], DOWN["do"]) in kinds:
            return "down", 0.0
        if (SLOW["at"], SLOW["do"]) in kinds:
            return "slow", float(kinds[SLOW["at"], SLOW["do"]].get("seconds", 0))
        return "odd" if rules else "well", 0.0

    def misbehave(self, *rules: dict[str, Any]) -> bool:
        """Put these faults in force and no others; False when the sink does not answer."""
        return self._ask("PUT", "/api/faults", json=list(rules)) is not None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        if not self.there:
            return None
        try:
            answer = self._http.request(method, path, **options)
            answer.raise_for_status()
            return answer.json()
        except (httpx.HTTPError, ValueError):
            return None
