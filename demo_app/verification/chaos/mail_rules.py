"""One more rule for the mail server, beside those that are in force."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

Rule = dict[str, Any]


class MailRules:
    """Rules that strike once each; safe to use from every thread."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        bearer = {"authorization": f"Bearer {ready['token']}"}
        self._inbox = httpx.Client(base_url=ready["inbox"], headers=bearer, timeout=10.0)
        self._lock = threading.Lock()

    def strike(self, rule: Rule, seconds: float = 10.0) -> float | None:
        """Put the rule in force for one mail; returns when it struck, None when it did not."""
        number = self._add({**rule, "times": 1})
        deadline = time.monotonic() + seconds
        while number is not None and time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                mine = [known for known in self._all() if known["id"] == number]
                if not mine:  # the server was killed, and its rules with it
                    return None
                if mine[0]["hits"]:
                    return time.time()
            time.sleep(0.05)
        return None

    def clear(self) -> None:
        """Let the mail server behave."""
        with suppress(httpx.HTTPError):
            self._inbox.delete("/api/faults")

    def close(self) -> None:
        """Close the connections."""
        self._inbox.close()

    def _add(self, rule: Rule) -> int | None:
        with self._lock, suppress(httpx.HTTPError):
            answer = self._inbox.put("/api/faults", json=[rule, *self._all()[:60]])
            answer.raise_for_status()
            return int(answer.json()[0]["id"])
        return None

    def _all(self) -> list[Rule]:
        answer = self._inbox.get("/api/faults")
        answer.raise_for_status()
        return list(answer.json())
