"""``python -m benchmarks.drive MODULE JOBS``: enqueues jobs for the peer with this module.

It prints one JSON object: the commands that start the peer's workers (`layouts`), and the median
time of an enqueue (`enqueue_us`, microseconds).
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from inspect import isawaitable
from typing import Any

from benchmarks.notification import payloads


def main(module: str, jobs: int) -> None:
    peer = import_module(module)
    times = asyncio.run(_put_in(peer.enqueue, jobs))
    print(json.dumps({"layouts": peer.LAYOUTS, "enqueue_us": statistics.median(times) * 1e6}))


async def _put_in(enqueue: Callable[..., Any], jobs: int) -> list[float]:
    """Enqueue the jobs. Return the time of each enqueue (seconds). `enqueue` may be async."""
    times = []
    for payload in payloads(jobs):
        began = time.perf_counter()
        answer = enqueue(**payload)
        if isawaitable(answer):
            await answer
        times.append(time.perf_counter() - began)
    return times


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
