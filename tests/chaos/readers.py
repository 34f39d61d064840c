"""Readers who never stop posting comments, whatever happens to the blog."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx

from chaos.history import History
from demo_app.stack.client import Client

#: Seconds that an answer may take.
PATIENCE = 4.0
#: How many post at the same time, and the seconds that one rests between two comments.
READERS, REST = 3, 0.15


class Readers:
    """Post until `stop`; remember what was accepted, and when.

    A comment that is not answered with a 201 is posted again with the same key, until it is. name:
    tells these readers' comments from those of others. insist: False when nobody posts again, and
    so nobody makes up for an outbox that is not there.
    """

    def __init__(
        self, ready: Mapping[str, Any], name: str, history: History, *, insist: bool = True
    ) -> None:
        self._ready, self._name, self._history = ready, name, history
        self._insists = insist
        self.accepted: list[float] = []  # when each comment was, in epoch seconds
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
        with Client(self._ready, PATIENCE) as client:
            while not self._stopping.wait(REST):
                number += 1
                given = {"author": f"Reader {reader}", "body": f"{self._name}-{reader}-{number}"}
                post = 1 + number % 3
                self._history.add("asked", post=post, author=given["author"], body=given["body"])
                self._insist(client, post, given)

    def _insist(self, client: Client, post: int, given: dict[str, str]) -> None:
        while not self._stopping.is_set():
            try:
                answer = client.comment(post, **given, key=given["body"])
            except httpx.HTTPError:
                if not self._insists:
                    return
                self._stopping.wait(REST)
            else:
                self.accepted.append(time.time())
                self._history.add("accepted", body=given["body"], job=answer["job_id"])
                return
