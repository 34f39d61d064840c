"""Takes apart the mails that strangers sent.

Python's `email` package takes quadratic time, and hundreds of times the memory, on mails made
for that.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable

from local_smtp import bounded, mail_html, parts
from local_smtp.bounds import READERS, READING_BYTES, READING_SECONDS

_waiting = threading.BoundedSemaphore(READERS)
_one_at_a_time = threading.Lock()  # or the memory that it may take would be nothing to rely on

TASKS: dict[str, Callable[[bytes, int], bytes]] = {
    "view": lambda raw, _: json.dumps(parts.take_apart(raw)).encode(),
    "html": lambda raw, _: mail_html.harmless(parts.html(raw)).encode(),
    "part": lambda raw, number: parts.part_content(raw, number),
}


class Busy(Exception):
    """Too many mails are waiting to be read."""


def ask(task: str, raw: bytes, number: int = 0) -> bytes:
    """What a task of `TASKS` makes of a mail; `number` is the part it is about.

    Raises TooCostly when it took more computing time or memory than it may. Raises Busy when too
    many callers wait already.
    """
    if not _waiting.acquire(blocking=False):
        raise Busy
    try:
        with _one_at_a_time:
            return bounded.ask("local_smtp.sandbox.read", [task, str(number)], raw)
    finally:
        _waiting.release()


def read(task: str, number: str) -> None:
    """Do a task with the mail on stdin, and write to stdout. Runs in the sandbox's process."""
    raw = sys.stdin.buffer.read()
    bounded.bound(READING_SECONDS, READING_BYTES)
    sys.stdout.buffer.write(TASKS[task](raw, int(number)))
