"""A run of some minutes without faults, with Celery's extensions: does each job run once?

``PYTHONPATH=.:tests python -m celery_suite.ecosystem --minutes 5 --pool prefork``

One worker (with autoscale and max-tasks-per-child, if the pool has them) runs tasks with a rate
limit, tasks with retries, celery-batches and celery-singleton. RedBeat enqueues more jobs, and
Flower receives the events. At half time the worker exits with a soft shutdown, and a new one
continues. Exit status 0 if each job ran as often as it should.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

from celery_suite import sources
from celery_suite.outside import REPOSITORY, Shop
from demo_app.rig.polling import Stillness, until
from demo_app.rig.ports import take

PACKAGES = REPOSITORY / "build" / "ecosystem"
#: Packages to install without their dependencies, which would install another Celery.
NAMES = ("celery-batches", "celery-singleton", "celery-redbeat", "tenacity")
#: The kinds of jobs; each second of the run has one of each kind.
EACH_SECOND = ("plain", "limited", "again", "batched", "alone", "later")

#: Appended to the shop's module.
TASKS = """
from celery_batches import Batches
from celery_singleton import Singleton

app.conf.singleton_backend_url = os.environ["BROKER"].removeprefix("claims+")
app.conf.beat_schedule = {"tick": {"task": "shop.tick", "schedule": 2.0, "args": ["redbeat"]}}


@app.task
def plain(name):
    note("ended", name)


@app.task(rate_limit="5/s")
def limited(name):
    note("ended", name)


@app.task(bind=True)
def again(self, name):
    note("ended" if self.request.retries else "tried", name)
    if not self.request.retries:
        raise self.retry(countdown=1)


@app.task(base=Batches, flush_every=10, flush_interval=5)
def batched(requests):
    for request in requests:
        note("ended", request.args[0])


@app.task(base=Singleton)
def alone(name):
    note("ended", name)


@app.task(bind=True)
def tick(self, whose):
    note("ended", f"{whose}-{self.request.id}")
"""

#: Enqueues the jobs with the numbers from argv[1] to argv[2] - 1.
PRODUCE = """
import sys, shop
for n in range(int(sys.argv[1]), int(sys.argv[2])):
    for name in ("plain", "limited", "again", "batched"):
        getattr(shop, name).delay(f"{name}{n}")
    shop.alone.apply_async([f"alone{n}"], countdown=20)
    shop.alone.delay(f"alone{n}")  # the other waits: this one is no further job
    shop.plain.apply_async([f"later{n}"], countdown=2)
"""


class Bazaar(Shop):
    """A shop whose app uses Celery's extensions."""

    def __init__(self, folder: Path, pool: str, **settings: Any) -> None:
        super().__init__(folder, "claims", pool, **settings)
        self.add(TASKS)
        self.companions: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> dict[str, str]:
        base = super().environment
        return {**base, "PYTHONPATH": os.pathsep.join([str(PACKAGES), base["PYTHONPATH"]])}

    def run(self, text: str, *words: str) -> None:
        command = [sys.executable, "-c", text, *words]
        subprocess.run(command, cwd=self.folder, env=self.environment, check=True)

    def start_companion(self, *words: str) -> None:
        with (self.folder / f"{words[0]}-{len(self.companions)}.log").open("w") as log:
            command = [sys.executable, "-m", "celery", "-A", "shop", *words]
            self.companions.append(self.start(command, log))


def install() -> None:
    """Install the extensions, if they are missing. Raises NoSources."""
    if not PACKAGES.exists():
        sources.pip("install", "--no-deps", "--target", str(PACKAGES), *NAMES)


def live(pool: str, minutes: float) -> int:
    settings: dict[str, Any] = {"worker_send_task_events": True, "worker_soft_shutdown_timeout": 20}
    settings |= {"task_track_started": False, "task_acks_late": True}
    with (
        tempfile.TemporaryDirectory(prefix="ecosystem-") as folder,
        closing(Bazaar(Path(folder) / "shop", pool, **settings)) as shop,
    ):
        port = take(0, "Flower")
        more = ["--max-tasks-per-child", "25", "--autoscale", "4,1"]
        options = more if pool == "prefork" else []
        worker = shop.start_worker(*options)
        shop.start_companion("beat", "-S", "redbeat.RedBeatScheduler")
        shop.start_companion("flower", f"--port={port}", "--address=127.0.0.1")
        began, put, half = time.monotonic(), 0, False
        while (spent := time.monotonic() - began) < minutes * 60:
            shop.run(PRODUCE, str(put), str(put + 5))
            put += 5
            if spent > minutes * 30 and not half:
                half = True
                shop.run("import shop; shop.pack.delay('long', 5)")
                time.sleep(2)  # until the task has started
                worker.send_signal(3)  # SIGQUIT: the soft shutdown
                worker.wait(timeout=90)
                worker = shop.start_worker(*options)
            # 5 jobs of each kind in 5 seconds
            time.sleep(max(0.0, put - (time.monotonic() - began)))
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        seen = sum(line.startswith("flower_events_total") for line in page.splitlines())
        for process in shop.companions:
            process.terminate()
        for process in shop.companions:
            process.wait(timeout=60)
        names = [f"{kind}{n}" for kind in EACH_SECOND for n in range(put)] + ["long"] * half
        return report(shop, names, shop.lost(names, 120), seen, minutes)


def report(shop: Bazaar, names: list[str], lost: set[str], seen: int, minutes: float) -> int:
    """Print the results. Return the exit status.

    Args:
        names: the names of all jobs.
        lost: the names of the jobs that never ran.
        seen: number of kinds of events that Flower received.
    """
    stillness = Stillness()
    # wait until no job has run for 5 s (at most 60 s), since a job may run a second time
    until(lambda: stillness.seconds(shop.notes.stat().st_size) >= 5, 60)
    ended, tried = shop.times("ended"), shop.times("tried")
    twice = sorted(name for name, n in {**tried, **ended}.items() if n > 1 or tried[name] > 1)
    ticks = sum("-" in name for name in ended)
    lines = [
        f"claims, {shop.pool}: {minutes:g} minutes without faults",
        f"  jobs: {len(names)}, {len(lost)} never ran, {len(twice)} ran more often than once",
        f"  RedBeat: {ticks} ticks",
        f"  Flower: {seen} kinds of events in its metrics",
    ]
    lines += [f"    {name}: {shop.times('tried')[name]}, {ended[name]}" for name in twice[:10]]
    lines += [f"    {name} never ran" for name in sorted(lost)[:10]]
    print(*lines, sep="\n")
    return 1 if lost or twice or not (seen and ticks) else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m celery_suite.ecosystem", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--pool", choices=["prefork", "threads"], default="prefork")
    arguments = parser.parse_args()
    install()
    return live(arguments.pool, arguments.minutes)


if __name__ == "__main__":
    sys.exit(main())
