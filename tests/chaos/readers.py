"""Readers who post comments all the time, whatever happens to the blog."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx

from chaos.history import History
from demo_app.stack.client import Client

#: Timeout of a request (seconds).
PATIENCE = 4.0
#: READERS: number of readers. REST: seconds between two comments of a reader.
READERS, REST = 3, 0.15


class Readers:
    """Threads that post comments until `stop`.

    If a request fails, the comment is posted again with the same key.

    Args:
        name: a prefix of these readers' comments.
        insist: False if comments must not be posted again: a second post would hide that the
            outbox is missing.

    Attributes:
        accepted: the time of each accepted comment.
    """

    def __init__(
        self, ready: Mapping[str, Any], name: str, history: History, *, insist: bool = True
    ) -> None:
        self._ready, self._name, self._history = ready, name, history
        self._insists = insist
        self.accepted: list[float] = []  # epoch seconds
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._post, args=(n,), daemon=True) for n in range(READERS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60.0)

    def _post(self, reader: int) -> None:
        number = 0
        with Client(self._ready, PATIENCE) as client:
            while not self._stopping.wait(REST):
                number += 1
                texts = {"author": f"Reader {reader}", "body": f"{self._name}-{reader}-{number}"}
                post = 1 + number % 3
                self._history.add("sent", post=post, author=texts["author"], body=texts["body"])
                self._insist(client, post, texts)

    def _insist(self, client: Client, post: int, texts: dict[str, str]) -> None:
        while not self._stopping.is_set():
            try:
                answer = client.comment(post, **texts, key=texts["body"])
            except httpx.HTTPError:
                if not self._insists:
                    return
                self._stopping.wait(REST)
            else:
                self.accepted.append(time.time())
                self._history.add("accepted", body=texts["body"], job=answer["job_id"])
                return
