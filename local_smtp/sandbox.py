"""Reads what strangers sent in a process of its own, with bounds on its time and memory.

Python's `email` package takes quadratic time, and hundreds of times the memory, on mails made
for that. So it never runs where others wait: a process reads the mail, and the system ends that
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

_LENGTH = 8  # bytes that say how long an answer is
_MEMORY = 64 * 1024 * 1024  # bytes that a small mail may cost
_MEMORY_A_BYTE = 4  # and what each byte of a mail may cost on top
_FRESH_AFTER = 1024 * 1024  # bytes of a mail after which a new process gives the memory back

_START = """
import sys
sys.path.insert(0, sys.argv[1])
from local_smtp.sandbox import serve
serve(float(sys.argv[2]))
"""
_ROOT = Path(__file__).parents[1]

TASKS: dict[str, Callable[[bytes, int], bytes]] = {
    "view": lambda raw, _: json.dumps(parts.take_apart(raw)).encode(),
    "text": lambda raw, _: parts.plain_text(raw).encode(),
    "html": lambda raw, _: mail_html.harmless(*parts.html_and_pictures(raw)).encode(),
    "part": lambda raw, number: parts.part_content(raw, number),
}


class TooCostly(Exception):
    """A mail that takes more time or memory to read than it may."""


class Sandbox:
    """A process that reads mails, one at a time; started when it is needed. Safe in any thread."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def ask(self, task: str, raw: bytes, number: int = 0) -> bytes:
        """Return what a task of `TASKS` makes of a mail; `number` is the part it is about.

        Raises:
            TooCostly: it took more computing time or memory than it may.
        """
        with self._lock:
            if self._closed:
                raise TooCostly
            if self._process is None or self._process.poll() is not None:
                self._end()
                self._process = self._start()
            process = self._process
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(b"%b %d %d\n" % (task.encode(), number, len(raw)))
                process.stdin.write(raw)
                process.stdin.flush()
                length = process.stdout.read(_LENGTH)
                if len(length) < _LENGTH:
                    raise TooCostly
                return process.stdout.read(int.from_bytes(length))
            except (OSError, TooCostly):
                self._end()
                raise TooCostly from None
            finally:
                if len(raw) > _FRESH_AFTER:
                    self._end()

    def close(self) -> None:
        """End the process; who waits for an answer gets `TooCostly`."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        with self._lock:
            self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        # -S and -E: only the standard library is needed, and nothing from the environment.
        command = [sys.executable, "-S", "-E", "-c", _START, str(_ROOT), str(self._seconds)]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was not written yet
                pipe.close()


def serve(seconds: float) -> None:
    """Answer on stdout what is asked on stdin, until that ends. Runs in the sandbox's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the sink, which ends this
    base = _address_space()
    while request := sys.stdin.buffer.readline():
        task, number, size = request.split()
        _bound_memory(base + _MEMORY + _MEMORY_A_BYTE * int(size))
        raw = sys.stdin.buffer.read(int(size))
        signal.setitimer(signal.ITIMER_PROF, seconds)  # the signal it sends ends the process
        answer = TASKS[task.decode()](raw, int(number))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(len(answer).to_bytes(_LENGTH) + answer)
        sys.stdout.buffer.flush()


def _address_space() -> int:
    """Return the bytes of this process's address space; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _bound_memory(limit: int) -> None:
    if limit < _MEMORY:
        return
    with suppress(ValueError, OSError):  # macOS does not know this limit
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
