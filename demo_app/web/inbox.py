"""A client of the mail sink, which finds the mails that have arrived.

The client uses the sink's HTTP API with the start-up token. Without a sink (with a real mail
server, for example) the client finds nothing.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from demo_app.settings import settings

_SECONDS = 2.0
#: Mails per page: the sink's maximum.
_PAGE = 500


class Inbox:
    """A client of the sink's API."""

    def __init__(self) -> None:
        chosen = settings()
        self._url = chosen.inbox_url
        self._headers = {
            "Authorization": f"Bearer {chosen.token}",
            "Content-Type": "application/json",
        }

    def pages(self, limit: int) -> Iterator[list[dict[str, Any]]]:
        """Yield up to `limit` pages of mails, the newest first."""
        cursor: str | None = None
        for _ in range(limit):
            query = {"limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
            answer = self.request("GET", f"/api/messages?{urlencode(query)}") or {}
            yield answer.get("messages", [])
            cursor = answer.get("next")
            if cursor is None:
                return

    def mail_id(self, job_id: str) -> int | None:
        """Return the number of a job's mail in the sink, or None."""
        answer = self.request("GET", f"/api/messages?{urlencode({'search': job_id})}") or {}
        mails = answer.get("messages", [])
        return next((int(mail["id"]) for mail in mails if mail.get("job_id") == job_id), None)

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Send a request to the sink, and return its decoded reply.

        Returns None if the request fails, or if there is no sink.
        """
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
