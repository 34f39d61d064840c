"""What an idle worker sends to Redis, beside stock's: it waits for jobs, and none comes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from celery_suite.outside import Shop

from benchmarks.table import Table

SECONDS = 30
#: What a worker sends, and no script does, by what Redis calls it; the rest is within scripts.
_SENT = ("brpop", "evalsha", "eval", "blpop", "publish", "ping")


def run() -> list[Table]:
    """One table: commands a second, each way."""
    columns = ["a worker with", "commands a second", *(name.upper() for name in _SENT)]
    rows = [
        [name, f"{sum(sent):.1f}", *(f"{one:.1f}" if one else "" for one in sent)]
        for name, sent in ((name, _sent(name)) for name in ("stock", "claims"))
    ]
    note = f"A pool of two threads, over {SECONDS} s. A script is one command, whatever it does."
    return [Table("What an idle worker sends", columns, rows, note)]


def _sent(transport: str) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        shop = Shop(Path(folder) / "shop", transport, "threads")
        shop.link_port = shop.port  # the worker reaches Redis without the link that can break
        try:
            shop.start_worker()
            time.sleep(3)  # what it does at its start has ended
            before, began = _counted(shop), time.monotonic()
            time.sleep(SECONDS)  # this is what is measured
            counted, took = _counted(shop), time.monotonic() - began
            return [(counted[name] - before[name]) / took for name in _SENT]
        finally:
            shop.close()


def _counted(shop: Shop) -> dict[str, int]:
    calls = shop.redis.info("commandstats")
    return {name: calls.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in _SENT}
