"""Readers who never stop posting comments, whatever happens to the blog."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx

from demo_app.stack.client import Client

#: How many post at the same time, and the seconds that one rests between two comments.
READERS, REST = 2, 0.15


class Readers:
    """Post until `stop`; remember what was accepted, and when."""

    def __init__(self, ready: Mapping[str, Any], seed: int) -> None:
        self._ready, self._seed = ready, seed
        self.accepted: list[tuple[float, int]] = []  # when, and the comment's number
        self.turned_away = 0
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._post, args=(n,), daemon=True) for n in range(READERS)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(60.0)

    def _post(self, reader: int) -> None:
        number = 0
        with Client(self._ready) as client:
            while not self._stopping.wait(REST):
                number += 1
                try:
                    answer = client.comment(1 + number % 3, body=f"{self._seed}-{reader}-{number}")
                except httpx.HTTPError:
                    self.turned_away += 1
                else:
                    self.accepted.append((time.time(), int(answer["comment_id"])))
