"""Reads what strangers sent in a process of its own, with bounds on its time and memory.

Python's `email` package takes quadratic time, and hundreds of times the memory, on mails made
for that. So it never runs where others wait: a process reads one mail, and the system ends that
process when it has used up its seconds or its memory.
"""

import json
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from local_smtp import mail_html, parts
from local_smtp.bounds import READERS, READING_BYTES, READING_SECONDS

_PATIENCE = 20.0  # seconds for a process that gets no computing time

_START = """
import sys
sys.path.insert(0, sys.argv[1])
from local_smtp.sandbox import read
read(sys.argv[2], int(sys.argv[3]))
"""
_ROOT = Path(__file__).parents[1]

_waiting = threading.BoundedSemaphore(READERS)
_one_at_a_time = threading.Lock()  # or the memory that it may take would be nothing to rely on

TASKS: dict[str, Callable[[bytes, int], bytes]] = {
    "view": lambda raw, _: json.dumps(parts.take_apart(raw)).encode(),
    "html": lambda raw, _: mail_html.harmless(parts.html(raw)).encode(),
    "part": lambda raw, number: parts.part_content(raw, number),
}


class TooCostly(Exception):
    """A mail that takes more time or memory to read than it may."""


class Busy(Exception):
    """Too many mails are waiting to be read."""


def ask(task: str, raw: bytes, number: int = 0) -> bytes:
    """Return what a task of `TASKS` makes of a mail; `number` is the part it is about.

    Raises:
        TooCostly: it took more computing time or memory than it may.
        Busy: too many callers wait already.
    """
    # -I and -S: only the standard library is needed, and nothing from the environment.
    command = [sys.executable, "-I", "-S", "-c", _START, str(_ROOT), task, str(number)]
    if not _waiting.acquire(blocking=False):
        raise Busy
    try:
        with _one_at_a_time:
            return subprocess.run(
                command,
                input=raw,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_PATIENCE,
                check=True,
                start_new_session=True,  # Ctrl-C is for the sink
            ).stdout
    except (subprocess.SubprocessError, OSError):
        raise TooCostly from None
    finally:
        _waiting.release()


def read(task: str, number: int) -> None:
    """Do a task with the mail on stdin, and write to stdout. Runs in the sandbox's process."""
    _bound_memory()
    raw = sys.stdin.buffer.read()
    signal.setitimer(signal.ITIMER_PROF, READING_SECONDS)  # the signal it sends ends the process
    answer = TASKS[task](raw, number)
    signal.setitimer(signal.ITIMER_PROF, 0)
    sys.stdout.buffer.write(answer)


def _bound_memory() -> None:
    with suppress(ValueError, OSError):  # macOS knows neither the file nor the limit
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + READING_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
