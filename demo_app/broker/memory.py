"""The memory of a worker, for pages and reports."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

#: Seconds for which a number is good: reading it takes some 70 µs for each process.
_SECONDS = 5.0
_PROCESSES = Path("/proc")


class Memory:
    """The resident memory of this process and its children, such as those of the pool prefork."""

    def __init__(self) -> None:
        self._bytes, self._until = 0, 0.0

    def resident(self) -> int:
        """Return the bytes; 0 on a system without ``/proc``. Shared pages count in each process."""
        if time.monotonic() >= self._until:
            self._bytes, self._until = _resident(), time.monotonic() + _SECONDS
        return self._bytes


def _resident() -> int:
    pids, pages = [str(os.getpid())], 0
    with suppress(OSError):  # a kernel without CONFIG_PROC_CHILDREN
        pids += (_PROCESSES / pids[0] / "task" / pids[0] / "children").read_text().split()
    for pid in pids:
        with suppress(OSError):  # it has just ended
            pages += int((_PROCESSES / pid / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
