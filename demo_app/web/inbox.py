"""The mail sink behind the blog: what arrived there, and how it is told to misbehave.

The web app talks to it as any program does, over HTTP with the start-up token. Without a sink
(a real mail server, say) every answer is "nothing known".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from demo_app.settings import settings

_SECONDS = 2.0
#: Mails asked for in one call; the sink's own limit.
_PAGE = 500

SLOW = {"at": "data", "do": "wait", "seconds": 1.5}
DOWN = {"at": "connect", "do": "close"}
#: Goes with DOWN: workers keep their connections open, and those end as well.
HANG_UP = {"at": "mail", "do": "close"}


class Inbox:
    """A client of the sink's API."""

    def __init__(self) -> None:
        chosen = settings()
        self._url = chosen.inbox_url
        self._headers = {
            "Authorization": f"Bearer {chosen.token}",
            "Content-Type": "application/json",
        }

    def stats(self) -> dict[str, int] | None:
        """Mails accepted, distinct, duplicates, refused; None when the sink does not answer."""
        numbers: dict[str, int] | None = self._ask("GET", "/api/stats")
        return numbers

    def pages(self, most: int) -> Iterator[list[dict[str, Any]]]:
        """The newest mails, a page at a time, at most so many pages."""
        cursor: str | None = None
        for _ in range(most):
            query = {"limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
            answer = self._ask("GET", f"/api/messages?{urlencode(query)}") or {}
            yield answer.get("messages", [])
            cursor = answer.get("next")
            if cursor is None:
                return

    def mail_id(self, job_id: str) -> int | None:
        """The sink's number for the mail of a job, if it is among the newest few thousand."""
        mails = (mail for page in self.pages(4) for mail in page)
        return next((int(mail["id"]) for mail in mails if mail.get("job_id") == job_id), None)

    def mood(self) -> tuple[str, float]:
        """How the mail server behaves: well, slow, down, odd (other faults), or away; and how many
        seconds it takes for a mail when it is slow."""
        rules = self._ask("GET", "/api/faults")
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
        return sum(int(rule.get("hits", 0)) for rule in self._ask("GET", "/api/faults") or ())

    def misbehave(self, *rules: dict[str, Any]) -> bool:
        """Put these faults in force and no others; False when the sink does not answer."""
        return self._ask("PUT", "/api/faults", list(rules)) is not None

    def clear(self) -> None:
        """Delete every mail."""
        self._ask("DELETE", "/api/messages")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        url = urlsplit(self._url)
        if not url.netloc:
            return None
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        data = None if body is None else json.dumps(body)
        try:
            with closing(kind(url.netloc, timeout=_SECONDS)) as connection:
                connection.request(method, url.path + path, data, self._headers)
                answer = connection.getresponse()
                return json.load(answer) if answer.status == 200 else None
        except (OSError, HTTPException, ValueError):
            return None
