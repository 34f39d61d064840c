"""``python -m benchmarks.drive MODULE JOBS``: enqueues jobs for the peer with this module.

It prints one JSON object: the commands that start the peer's workers (`layouts`), and the median
time of an enqueue (`enqueue_us`, microseconds).
"""

import asyncio
import json
import statistics
import sys
import time
from importlib import import_module
from inspect import isawaitable
from typing import Any

from benchmarks.notification import payloads


async def main(peer: Any, jobs: int) -> None:
    times = []
    for payload in payloads(jobs):
        began = time.perf_counter()
        answer = peer.enqueue(**payload)
        if isawaitable(answer):
            await answer
        times.append(time.perf_counter() - began)
    print(json.dumps({"layouts": peer.LAYOUTS, "enqueue_us": statistics.median(times) * 1e6}))


if __name__ == "__main__":
    asyncio.run(main(import_module(sys.argv[1]), int(sys.argv[2])))
