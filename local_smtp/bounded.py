"""A process of its own for what strangers sent, with bounds on its time and memory.

The system ends it when it has used up its seconds of computing or its memory, so it never runs
in a process that has others to answer.
"""

import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_PATIENCE = 20.0  # seconds for a process that gets no computing time
_ROOT = Path(__file__).parents[1]


class TooCostly(Exception):
    """What was sent takes more time or memory to read than it may."""


def ask(function: str, words: list[str], given: bytes) -> bytes:
    """Return what a function writes to stdout, called with `words`, in a process of its own.

    `function` is named as in ``local_smtp.sandbox.read``, and `given` is its stdin. It finds
    only this tree and the standard library, and so starts sooner.

    Raises:
        TooCostly: the process was ended, or failed.
    """
    module, _, name = function.rpartition(".")
    start = (
        f"import sys; sys.path.insert(0, sys.argv[1]); from {module} import {name};"
        f" {name}(*sys.argv[2:])"
    )
    try:
        return subprocess.run(
            [sys.executable, "-I", "-S", "-c", start, str(_ROOT), *words],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=True,
            process_group=0,  # Ctrl-C must not reach it; in this session, whose share it has
        ).stdout
    except (subprocess.SubprocessError, OSError):
        raise TooCostly from None


def bound(seconds: float, memory: int) -> None:
    """Let this process end when it has computed for so long, or takes so many more bytes."""
    with suppress(ValueError, OSError):  # macOS knows neither the file nor the limit
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, seconds)  # the signal it sends ends the process
