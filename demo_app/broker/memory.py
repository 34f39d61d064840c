"""The memory of a worker, for pages and reports."""

import os
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

#: Seconds for which the result is cached: reading it takes some 70 µs for each process.
_SECONDS = 5.0
_PROCESSES = Path("/proc")


def resident() -> int:
    """Return the memory of this process and its children, such as prefork's processes (bytes).

    Shared pages count in each process. Returns 0 on a system without ``/proc``.
    """
    return _resident(str(os.getpid()), time.monotonic() // _SECONDS)


@lru_cache(maxsize=1)
def _resident(own: str, _: float) -> int:
    pids, pages = [own], 0
    with suppress(OSError):  # a kernel without CONFIG_PROC_CHILDREN
        pids += (_PROCESSES / own / "task" / own / "children").read_text().split()
    for pid in pids:
        with suppress(OSError):  # the process has just ended
            pages += int((_PROCESSES / pid / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
