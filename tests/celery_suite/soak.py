"""A test with millions of jobs under faults: counts lost jobs, and jobs that ran twice.

``PYTHONPATH=.:tests python -m celery_suite.soak --jobs 3000000``

Three workers of an outside app, each with a random pool (prefork or threads), run jobs that only
record their run.
Every few seconds one fault is injected: SIGKILL to a worker and its children, SIGKILL to one child,
SIGTERM, a reset of all connections, or sometimes SIGKILL to Redis, which restarts with its data.

A job may run again if it was one of the last jobs of a process that ended, or if its worker's lease
expired. Any other second run is an error. Exit status 0 if no job was lost, and none ran twice
without a fault.
"""

import argparse
import os
import random
import signal
import struct
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path

import psutil

from celery_suite.outside import Shop, signal_group

CONCURRENCY = 2  #: jobs that a worker runs, and holds, at the same time
#: Number of jobs in a part of the test. Redis keeps the events of more ended jobs than that, so
#: `reason` finds the events of each job.
PART = 15_000
#: LOAD: maximum of waiting jobs. STEP: jobs that are enqueued together. PACE: seconds between
#: faults. LONGEST: maximum seconds for a part.
LOAD, STEP, PACE, LONGEST = 6_000, 500, 4.0, 900.0
RUN = struct.Struct("=Id")  #: a recorded run: the job's number, and its start (epoch seconds)
TASK = """
import struct
notes = None


@app.task(name="shop.note")
def note_run(number):
    global notes
    if notes is None or notes[0] != os.getpid():
        notes = os.getpid(), open(f"runs/{time.time_ns()}-{os.getpid()}", "ab", buffering=0)
    notes[1].write(struct.pack("=Id", number, time.time()))
"""
#: The faults and their weights.
HITS = {"kill": 5, "stop": 2, "cut": 2, "redis": 1, "kill child": 3}
Run = tuple[float, bool]  #: start of a run; True if it was among the last runs of an ended process


class Soak(Shop):
    """A shop with counts of faults, lost jobs and repeated jobs.

    Attributes:
        hits: number of faults by kind.
        again: number of repeated jobs by reason.
        ended: pids of the processes that a fault killed or stopped.
    """

    def begin(self) -> None:
        self.jobs, self.lost = 0, 0
        self.hits, self.again = Counter[str](), Counter[str]()
        self.add(TASK)
        (self.folder / "runs").mkdir()
        for _ in range(3):
            self.start_on_any_pool()

    def start_on_any_pool(self) -> None:
        self.start_worker("--pool", random.choice(["prefork", "threads"]))

    def run_part(self) -> None:
        """Enqueue a part, and inject faults until all its jobs have ended or the part times out.

        Then count the lost and the repeated jobs.
        """
        self.ended = set[int]()
        began, put = time.monotonic(), 0
        next_hit, before = began + PACE, self.count("done") + self.count("dead")
        with self.app() as app:
            while (finished := self.count("done") + self.count("dead") - before) < PART:
                if put < PART and put - finished < LOAD:
                    for number in range(put, put + STEP):
                        app.send_task("shop.note", [number], task_id=f"{began:.0f}-{number}")
                    put += STEP
                if time.monotonic() >= next_hit:
                    self.hit()
                    next_hit = time.monotonic() + PACE
                if time.monotonic() - began > LONGEST:
                    break
        runs = self.runs()
        self.jobs, self.lost = self.jobs + put, self.lost + put - len(runs)
        for number, ran in runs.items():
            if len(ran) > 1:
                self.again[self.reason(f"{began:.0f}-{number}", ran)] += 1

    def hit(self) -> None:
        """Inject a random fault. Restart Redis, or start a new worker, if the fault ended it."""
        worker = random.choice([one for one in self.workers if one.poll() is None])
        children = [one.pid for one in psutil.Process(worker.pid).children()]
        kinds = [kind for kind in HITS if children or kind != "kill child"]
        (kind,) = random.choices(kinds, [HITS[kind] for kind in kinds])
        self.hits[kind] += 1
        if kind == "cut":
            self.link.reset()
        elif kind == "redis":
            self.server.kill()
            self.server.start()
        elif kind == "kill child":
            self.ended.add(children[0])
            os.kill(children[0], signal.SIGKILL)
        else:
            self.ended |= {worker.pid, *children}
            signal_group(worker, signal.SIGKILL if kind == "kill" else signal.SIGTERM)
            worker.wait(timeout=120)
            self.workers.remove(worker)
            self.start_on_any_pool()

    def runs(self) -> dict[int, list[Run]]:
        """Return the runs of each job since the last call, the oldest first."""
        runs: defaultdict[int, list[Run]] = defaultdict(list)
        for file in (self.folder / "runs").iterdir():
            noted = list(RUN.iter_unpack(file.read_bytes()))
            process = int(file.name.partition("-")[2])
            for place, (number, moment) in enumerate(noted):
                last = process in self.ended and place >= len(noted) - CONCURRENCY
                runs[number].append((moment, last))
            os.truncate(file, 0)
        return {number: sorted(ran) for number, ran in runs.items()}

    def reason(self, job: str, ran: list[Run]) -> str:
        """Return why the job ran again. If there was no fault, print the job's events."""
        events = self.redis.lrange(f"job:{job}", 1, -1)
        if all(was_last for _, was_last in ran[:-1]):
            return "after their process had ended"
        if any("rescue" in event for event in events):
            return "after their worker's lease ran out"
        print(job, events)
        return "without a fault"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m celery_suite.soak")
    parser.add_argument("--jobs", type=int, default=100_000, help="how many in all; default 100000")
    jobs, began = parser.parse_args().jobs, time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        closing(Soak(Path(folder) / "shop", "claims", worker_prefetch_multiplier=1)) as shop,
    ):
        shop.begin()
        while shop.jobs < jobs and not (shop.lost or shop.again["without a fault"]):
            shop.run_part()
            print(f"{shop.jobs:,} of {jobs:,}, lost {shop.lost}", flush=True)
    seconds = time.monotonic() - began
    print(
        f"{shop.jobs:,} jobs in {seconds / 60:.0f} minutes, {shop.jobs / seconds:,.0f} a second",
        f"  lost: {shop.lost}",
        f"  hits: {', '.join(f'{count:,} × {kind}' for kind, count in shop.hits.most_common())}",
        *(f"  ran twice {why}: {count:,}" for why, count in shop.again.most_common()),
        f"  healthy and run twice: {shop.again['without a fault']}",
        sep="\n",
    )
    return 1 if shop.lost or shop.again["without a fault"] else 0


if __name__ == "__main__":
    sys.exit(main())
