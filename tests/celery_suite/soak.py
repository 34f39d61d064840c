"""Millions of jobs under kills, with somebody else's app: what is lost, and what ran twice.

``PYTHONPATH=.:tests python -m celery_suite.soak --jobs 3000000``

Three workers, on prefork or threads by chance, run jobs that only note that they ran. Every few
seconds one of them is hit: SIGKILL to the worker and its children, SIGKILL to one child, SIGTERM, a
cut of all connections, or, now and then, SIGKILL to Redis, which is started again on its data.

A job may run again if a process was ended that ran it among its last ones, or if its worker's lease
ran out. Any other second run is a healthy job that ran twice. The jobs go in by parts, and each
part that came to its end is a line of the ledger, ``soak.jsonl`` beside this file: the same
command goes on after it, until there are so many. Exit status 0 if nothing was lost and no healthy
job ran twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from celery_suite.outside import Shop, signal_group
from celery_suite.run import CACHE, keep

LEDGER = Path(__file__).with_suffix(".jsonl")
WORKERS = 3
CONCURRENCY = 2  #: as the shop starts them; no worker holds more
#: Jobs a part. It is less than Redis keeps of those that are done, so each one's events are there.
PART = 15_000
#: At most so many wait, put in by so many.
LOAD, STEP = 6_000, 500
#: Seconds between two hits.
PACE = 4.0

TASK = """
import struct

RUN = struct.Struct("=Id")  # the job's number, and when it began
notes = None


@app.task(name="shop.note")
def note_run(number):
    global notes
    if notes is None or notes[0] != os.getpid():
        notes = os.getpid(), open(f"runs/{time.time_ns()}-{os.getpid()}", "ab", buffering=0)
    notes[1].write(RUN.pack(number, time.time()))
"""
RUN = struct.Struct("=Id")


@dataclass
class Part:
    """What became of one part: a line of the ledger."""

    jobs: int = 0
    seconds: float = 0.0
    load: float = 0.0  #: of the machine, over the last minute
    lost: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)  #: second runs, by their reason
    odd: list[str] = field(default_factory=list)  #: second runs without a reason, with their events
    returns: list[float] = field(default_factory=list)  #: seconds from a worker's death to the run


@dataclass
class Soak:
    """The shop, and what was done to it in this part."""

    shop: Shop
    chance: random.Random
    part: Part = field(default_factory=Part)
    ended: set[int] = field(default_factory=set)  #: processes that were killed or stopped
    held: dict[int, float] = field(default_factory=dict)  #: job of a killed worker -> when

    def start_worker(self) -> None:
        """Start one on a pool by chance."""
        self.shop.start_worker("--pool", self.chance.choice(["prefork", "threads"]))

    def run_part(self) -> Part:
        """Put a part in, hit the workers until all of it has run, and look at what it became."""
        self.part, self.ended, self.held = Part(load=os.getloadavg()[0]), set(), {}
        began = time.monotonic()
        next_hit = began + PACE
        done = self.shop.count("done")
        with self.shop.app() as app:
            while (finished := self._finished(done)) < PART:
                if self.part.jobs < PART and self.part.jobs - finished < LOAD:
                    for number in range(self.part.jobs, self.part.jobs + STEP):
                        app.send_task("shop.note", [number], task_id=f"{began:.0f}-{number}")
                    self.part.jobs += STEP
                if time.monotonic() >= next_hit:
                    self.hit()
                    next_hit = time.monotonic() + PACE
                if time.monotonic() - began > 900:
                    break  # what has not run by now is lost
        self.part.seconds = time.monotonic() - began
        self._count(f"{began:.0f}")
        return self.part

    def _finished(self, before: int) -> int:
        return self.shop.count("done") + self.shop.count("dead") - before

    def hit(self) -> None:
        """Do one of the bad things, and start what it ended."""
        worker = self.chance.choice([one for one in self.shop.workers if one.poll() is None])
        children = [one.pid for one in psutil.Process(worker.pid).children()]
        weights = {"kill": 5, "stop": 2, "cut": 2, "redis": 1, "kill child": 3 if children else 0}
        kind = self.chance.choices(list(weights), weights=list(weights.values()))[0]
        self.part.hits[kind] += 1
        if kind == "cut":
            self.shop.link.reset()
        elif kind == "redis":
            self.shop.kill_redis()
            self.shop.start_redis()
        elif kind == "kill child":
            self.ended.add(children[0])
            os.kill(children[0], signal.SIGKILL)
        else:
            self.ended |= {worker.pid, *children}
            signal_group(worker, signal.SIGKILL if kind == "kill" else signal.SIGTERM)
            if kind == "kill":
                self._note_held(worker)
            worker.wait(timeout=120)
            self.shop.workers.remove(worker)
            self.start_worker()

    def _note_held(self, worker: subprocess.Popen[bytes]) -> None:
        """Note which jobs the killed worker has in its hands: each is to come back."""
        moment = time.time()
        for key in self.shop.redis.scan_iter("claims:*", count=1000):
            if f"-{worker.pid}-" in key:
                for job in self.shop.redis.lrange(key, 0, -1):
                    self.held[int(job.rpartition("-")[2])] = moment

    def _count(self, prefix: str) -> None:
        runs: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
        for file in (self.shop.folder / "runs").iterdir():
            noted = list(RUN.iter_unpack(file.read_bytes()))
            process = int(file.name.partition("-")[2])
            for place, (number, moment) in enumerate(noted):
                last = process in self.ended and place >= len(noted) - CONCURRENCY
                runs[number].append((moment, last))
            if psutil.pid_exists(process):
                os.truncate(file, 0)
            else:
                file.unlink()
        self.part.lost = self.part.jobs - len(runs)
        self.part.returns = [
            round(later[0] - moment, 3)
            for number, moment in self.held.items()
            if (later := sorted(ran for ran, _ in runs[number] if ran > moment))
        ]
        for number, ran in runs.items():
            if len(ran) > 1:
                self._explain(f"{prefix}-{number}", sorted(ran)[:-1])

    def _explain(self, job: str, earlier: list[tuple[float, bool]]) -> None:
        events = self.shop.redis.lrange(f"job:{job}", 1, -1)
        rescued = any("rescue" in event for event in events)
        if all(was_last for _, was_last in earlier):
            self.part.again["its process was ended"] += 1
        elif rescued:
            self.part.again["its worker's lease ran out"] += 1
        else:
            self.part.again["healthy"] += 1
            self.part.odd.append(f"{job} {events}")


def recorded() -> list[Part]:
    """The parts in the ledger."""
    if not LEDGER.exists():
        return []
    return [Part(**json.loads(line)) for line in LEDGER.read_text().splitlines()]


def report(parts: list[Part]) -> int:
    """Print what came of all parts, and keep it for the page; returns the exit status."""
    hits, again = Counter[str](), Counter[str]()
    for part in parts:
        hits.update(part.hits)
        again.update(part.again)
    seconds = sum(part.seconds for part in parts)
    jobs, lost = sum(part.jobs for part in parts), sum(part.lost for part in parts)
    back = sorted(second for part in parts for second in part.returns)
    reasons = [f"  ran twice, {reason}: {count:,}" for reason, count in again.most_common()]
    keep(
        "soak",
        [
            f"{jobs:,} jobs in {seconds / 60:.0f} minutes, {jobs / seconds:,.0f} a second",
            f"  lost: {lost}",
            f"  hits: {', '.join(f'{count:,} × {kind}' for kind, count in hits.most_common())}",
            *reasons,
            f"  healthy and run twice: {again['healthy']}",
            "  back after their worker's death: {:,} jobs, half within {:.1f} s, 99 of 100 within"
            " {:.1f} s, the slowest {:.1f} s".format(
                len(back), *(statistics.quantiles(back, n=100)[at] for at in (49, 98)), back[-1]
            )
            if len(back) > 1
            else "",
            *(line for part in parts for line in part.odd[:10]),
        ],
    )
    return 1 if lost or again["healthy"] else 0


def soak(jobs: int) -> int:
    """Run parts until so many jobs are in the ledger; returns the exit status."""
    parts = recorded()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        shop = Shop(Path(folder) / "shop", "claims", worker_prefetch_multiplier=1)
        shop.add(TASK)
        (shop.folder / "runs").mkdir()
        run = Soak(shop, random.Random(len(parts)))
        try:
            for _ in range(WORKERS):
                run.start_worker()
            while sum(part.jobs for part in parts) < jobs:
                parts.append(run.run_part())
                with LEDGER.open("a") as ledger:
                    ledger.write(json.dumps(vars(parts[-1])) + "\n")
                one = parts[-1]
                print(
                    f"{sum(part.jobs for part in parts):,} of {jobs:,}: "
                    f"{one.jobs / one.seconds:,.0f} a second, lost {one.lost}, "
                    f"again {dict(one.again)}, load {one.load:.0f}",
                    flush=True,
                )
                if one.lost or one.odd:
                    break
        finally:
            shop.close()
    return report(parts)


def main() -> int:
    """Read the command line and run; Ctrl-C ends it, and the ledger keeps what has ended."""
    parser = argparse.ArgumentParser(
        prog="python -m celery_suite.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--jobs", type=int, default=100_000, help="how many in all; default 100000")
    asked = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        return soak(asked.jobs)
    except KeyboardInterrupt:
        return report(recorded())


if __name__ == "__main__":
    sys.exit(main())
