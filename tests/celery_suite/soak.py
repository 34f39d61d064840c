"""Ten minutes of kills under load, with somebody else's app: what is lost, and what ran twice.

``PYTHONPATH=.:tests python -m celery_suite.soak --minutes 10 --pool prefork``

Three workers pack parcels that a producer puts in as fast as they are packed. Every few seconds one
of them is hit: SIGKILL to the worker and its children, SIGKILL to one child, SIGTERM, a cut of all
connections, or, now and then, SIGKILL to Redis, which is started again on its data. A parcel that
was in the hands of a process when that was killed may be packed again; any other that was packed
twice is a healthy job that ran twice. Exit status 0 if nothing was lost and no healthy job ran
twice.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from celery_suite.outside import Shop, signal_group
from celery_suite.run import keep

WORKERS = 3
#: How many parcels wait at most; the producer keeps the queue between half of it and all of it.
LOAD = 60
#: Seconds between two hits.
PACE = 4.0


@dataclass
class Soak:
    """One run: the shop, what was put in, and which parcels a kill may have interrupted."""

    shop: Shop
    chance: random.Random
    ordered: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    interrupted: set[str] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)  #: parcel -> the id of its job

    def fill(self) -> None:
        """Put in as many parcels as are missing from the load."""
        waiting = self.ordered - len(self.shop.times("ended"))
        if waiting > LOAD // 2:
            return
        names = [f"p{self.ordered + number}" for number in range(LOAD - waiting)]
        self.ordered += len(names)
        ids = self.shop.order(*names, seconds=round(self.chance.uniform(0.05, 0.6), 2))
        self.ids |= dict(zip(names, ids, strict=True))

    def in_hand(self) -> set[str]:
        """The parcels that were started and have not ended."""
        return set(self.shop.times("started")) - set(self.shop.times("ended"))

    def hit(self) -> None:
        """Do one of the bad things, and start what it ended."""
        alive = [worker for worker in self.shop.workers if worker.poll() is None]
        worker = self.chance.choice(alive)
        weights = {"kill": 5, "stop": 2, "cut": 2, "redis": 1}
        if self.shop.pool == "prefork":
            weights["kill child"] = 3
        kind = self.chance.choices(list(weights), weights=list(weights.values()))[0]
        self.hits[kind] += 1
        if kind == "cut":
            self.shop.link.reset()
        elif kind == "redis":
            self.shop.kill_redis()
            self.shop.start_redis()
        else:
            self._end(kind, worker)

    def _end(self, kind: str, worker: subprocess.Popen[bytes]) -> None:
        before = self.in_hand()
        processes = {worker.pid, *(one.pid for one in psutil.Process(worker.pid).children())}
        if kind == "kill child":
            processes = {self.shop.child_of(parcel) for parcel in before} & processes
            processes = set(sorted(processes)[:1])
            for process in processes:
                os.kill(process, signal.SIGKILL)
        else:
            signal_group(worker, signal.SIGKILL if kind == "kill" else signal.SIGTERM)
            worker.wait(timeout=60)
        self.interrupted |= {parcel for parcel in before if self.shop.child_of(parcel) in processes}
        # what each had started last: it may have ended, with its acknowledgement still to come
        self.interrupted |= self.shop.last_started(processes, threads=2)
        if kind != "kill child":
            self.shop.start_worker()

    def report(self, minutes: float) -> int:
        """Print what came of it, and keep it in build; returns the exit status."""
        started, ended = self.shop.times("started"), self.shop.times("ended")
        lost = self.ordered - len(ended)
        again = {parcel for parcel, times in started.items() if times > 1}
        healthy = sorted(again - self.interrupted)
        told = [
            f"claims, {self.shop.pool}: {minutes:g} minutes",
            f"  parcels: {self.ordered} ordered, {len(ended)} packed, {lost} lost",
            f"  hits: {', '.join(f'{n} × {kind}' for kind, n in self.hits.most_common())}",
            f"  run again after a kill: {len(again) - len(healthy)}",
            f"  workers taken for dead while they lived: {self.shop.logged('Taken for dead')}",
            f"  healthy and run twice: {len(healthy)}",
        ]
        for parcel in healthy[:10]:  # claims knows what happened to it
            events = self.shop.redis.lrange(f"job:{self.ids[parcel]}", 1, -1)
            told.append(f"    {parcel} {events}")
        keep(f"soak-{self.shop.pool}", told)
        return 1 if lost or healthy else 0


def soak(pool: str, minutes: float) -> int:
    """Run it; returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        shop = Shop(Path(folder) / "shop", "claims", pool, worker_prefetch_multiplier=1)
        run = Soak(shop, random.Random(7))
        try:
            for _ in range(WORKERS):
                shop.start_worker()
            began = time.monotonic()
            next_hit = began + PACE
            while time.monotonic() - began < minutes * 60:
                run.fill()
                if time.monotonic() >= next_hit:
                    run.hit()
                    next_hit = time.monotonic() + PACE
                time.sleep(0.2)  # between two looks
            shop.lost([f"p{number}" for number in range(run.ordered)], 60)
            return run.report(minutes)
        finally:
            shop.close()


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m celery_suite.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pool", choices=["prefork", "threads", "solo"], default="prefork")
    asked = parser.parse_args()
    return soak(asked.pool, asked.minutes)


if __name__ == "__main__":
    sys.exit(main())
