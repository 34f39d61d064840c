"""Flower, the best-known dashboard for Celery, beside a lab; and what it shows."""

from __future__ import annotations

import sys
from secrets import token_urlsafe
from typing import Any

import httpx

from demo_app.rig import ports
from lab.beside import Beside
from lab.language import say
from lab.running import Lab


class Flower(Beside):
    """A Flower that listens to the lab's Celery workers; a password protects it."""

    def __init__(self, lab: Lab) -> None:
        port = ports.take(0, "Flower")
        # Flower asks for no password at its metrics: nobody knows the path under which all is
        secret = token_urlsafe(16)
        self.url = f"http://127.0.0.1:{port}/{secret}"
        self._auth = ("lab", lab.stack.ready["token"])
        where = ["--address=127.0.0.1", f"--port={port}", "--logging=warning"]
        command = [sys.executable, "-m", "celery", "-A", "demo_app.worker", "flower", *where]
        self._lab = lab
        variables = {"FLOWER_BASIC_AUTH": ":".join(self._auth), "FLOWER_URL_PREFIX": secret}
        super().__init__(lab.stack, lab.at_end, "flower", command, variables)

    def __repr__(self) -> str:
        user, password = self._auth
        login = say("name: {user}, password: {password}", user=user, password=password)
        return f"Flower: {self.url}/ ({login})"

    def workers(self) -> dict[str, str]:
        """Each worker that it has heard of since it runs, and whether it is "online", it thinks."""
        rows = self._ask("/workers?json=1").get("data", [])
        return {row["hostname"]: "online" if row["status"] else "offline" for row in rows}

    def states(self, wait_for: int) -> dict[str, str]:
        """Each job's state by the first letters of its id, once it has heard of so many jobs."""
        found = self._lab.until(
            lambda: len(tasks := self._ask("/api/tasks")) >= wait_for and tasks, "Celery's events"
        )
        return {job[:8]: str(task["state"]) for job, task in found.items()}

    def _ask(self, path: str) -> dict[str, Any]:
        try:
            answer = httpx.get(f"{self.url}{path}", auth=self._auth, timeout=10.0)
        except httpx.TransportError:
            return {}  # it does not listen yet
        answers: dict[str, Any] = answer.raise_for_status().json()
        return answers
