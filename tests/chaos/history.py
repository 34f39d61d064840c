"""The history of a campaign as a file: comments, faults, events of the queue, and mails.

The docstring of `check` describes the lines. `check` reads the file and does not import this
module.
"""

import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import redis

from chaos.ledger import rows
from demo_app.broker.connection import connect
from demo_app.broker.journal import after, order
from demo_app.rig.polling import poll

Line = dict[str, Any]


class History:
    """The history of a campaign, as a file. Safe to use from every thread.

    Each line is written at once, so that a stopped campaign leaves its history.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w", buffering=1, encoding="utf-8")
        self._lock = threading.Lock()

    def add(self, what: str, at: float | None = None, **more: Any) -> None:
        """Write a line.

        Args:
            at: epoch seconds, by default now.
        """
        line = json.dumps({"at": time.time() if at is None else at, "what": what, **more})
        with self._lock:
            self._file.write(line + "\n")

    def verdict(self) -> dict[str, Any]:
        command = [sys.executable, "-I", Path(__file__).with_name("check.py"), self.path]
        done = subprocess.run(command, capture_output=True, text=True)
        if not done.stdout:
            raise RuntimeError(f"the checker failed: {done.stderr}")
        return json.loads(done.stdout)

    def close(self) -> None:
        self._file.close()


class Follower:
    """A thread that copies the queue's journal to the history: a wiped Redis loses its journal."""

    def __init__(self, ready: Mapping[str, Any], history: History) -> None:
        self._url, self._history = str(ready["redis"]), history
        self._last = "0-0"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def catch_up(self, seconds: float = 10.0) -> None:
        """Wait until all present entries of the journal are in the history.

        Raises:
            TimeoutError: the entries were not copied within `seconds`.
        """
        with closing(connect(self._url)) as client:
            newest = client.xrevrange("journal", count=1)
        for _ in poll(seconds):
            if not newest or order(self._last) >= order(newest[0][0]):
                return
        raise TimeoutError(f"the journal was not copied to the history within {seconds:.0f} s")

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10.0)

    def _follow(self) -> None:
        with closing(connect(self._url)) as client:
            while not self._stopping.is_set():
                with suppress(redis.RedisError):
                    for entry in after(client, self._last):
                        self._last = entry.id
                        fields = {"event": entry.event, "job": entry.job, "by": entry.by}
                        self._history.add("queue", entry.at, **fields, detail=entry.detail)
                self._stopping.wait(0.05)


def stored_mails(folder: Path) -> Iterator[Line]:
    """Yield every mail in the mail server's database: its number (`mail`), `job`, `to`, `text`, and
    the times of its `deliveries`. Reading the file is faster than requesting hundreds of mails."""
    file, brought = folder / "mail" / "mail.sqlite3", defaultdict(list)
    for mail, at in rows(file, "SELECT message, received_at FROM deliveries ORDER BY id"):
        brought[mail].append(at)
    mails = "SELECT id, job_id, recipients, raw FROM messages JOIN contents ON message = id"
    for number, job, to, raw in rows(file, mails):
        part = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
        text = "" if part is None else str(part.get_content())
        fields = {"mail": number, "job": job, "to": json.loads(to), "text": text}
        yield {**fields, "deliveries": brought[number]}
