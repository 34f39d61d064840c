"""Put jobs into one peer's queue, and say how its workers are started; a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from importlib import import_module

from benchmarks.notification import payloads


def main(module: str, jobs: int) -> None:
    """Print one JSON object: the workers' commands, their environment, the enqueue time."""
    if module.endswith(".stock"):
        os.environ["DEMO_TRANSPORT"] = "stock"
    peer = import_module(module)
    times = []
    for payload in payloads(jobs):
        began = time.perf_counter()
        peer.enqueue(payload)
        times.append(time.perf_counter() - began)
    told = {
        "workers": peer.WORKERS,
        "environment": peer.ENVIRONMENT,
        "enqueue_us": statistics.median(times) * 1e6,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
