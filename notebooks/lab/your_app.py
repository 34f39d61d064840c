"""A Celery app of the reader's own, in a folder of its own: its workers, killed and counted.

It knows nothing of this project's demo app but, if it wants to, the broker's address.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from celery import Celery

from lab.figures import Outcome
from lab.language import say
from lab.manual_worker import Beside
from lab.progress import Progress
from lab.running import Lab

#: Seconds without a parcel after which nothing more is expected. More than a lease, less than the
#: hour after which stock Celery looks again.
_STILL = 8.0

_APP = '''"""A shop's own Celery app: it packs parcels."""

import time

from celery import Celery
{import_line}
app = Celery("shop", broker="{broker}")


@app.task
def pack(parcel):
    time.sleep(0.5)
    with open("packed.txt", "a") as book:
        book.write(f"{{parcel}}\\n")
'''


class YourApp:
    """The app on the lab's Redis, with the broker's address as stock Celery has it, or as claims.

    One Redis serves one app: start a new lab for each.
    """

    def __init__(self, lab: Lab, transport: str) -> None:
        self._lab, self.transport, self._ordered = lab, transport, 0
        socket = str(lab.stack.ready["redis"]).partition("://")[2]
        scheme = "claims+unix" if transport == "claims" else "redis+socket"
        self.broker = f"{scheme}://{socket}"
        self.folder = lab.stack.plan.folder.logs / f"shop-{transport}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._packed = self.folder / "packed.txt"
        self._packed.touch()
        import_line = "\nimport demo_app.broker\n" if transport == "claims" else ""
        self.text = _APP.format(import_line=import_line, broker=self.broker)
        (self.folder / "shop.py").write_text(self.text)
        self._workers: list[Beside] = []

    def start_worker(self) -> str:
        """Start a Celery worker of the app; returns the command once the worker is ready."""
        name = f"shop{len(self._workers) + 1}@here"
        options = ["--concurrency", "2", "--task-events", "--hostname", name, "-l", "INFO"]
        command = ["-m", "celery", "--workdir", str(self.folder), "-A", "shop", "worker", *options]
        worker = Beside(self._lab, name, [sys.executable, *command])
        self._workers.append(worker)
        worker.wait_until(lambda: " ready." in worker.output())
        return f"celery -A shop worker {' '.join(options)}"

    def order(self, parcels: int) -> str:
        """Put in one job for each parcel, as a shop's web page would.

        When it is done again, as in a cell that is run again, the shop begins anew: with an empty
        book, an empty Redis, and a worker that has done nothing yet.
        """
        if self._ordered:
            self._workers[-1].end()
            self._lab.redis.flushdb()
            self._packed.write_text("")
            self.start_worker()
        self._ordered = parcels
        if self.transport == "claims":
            import demo_app.broker  # noqa: F401  # makes the address known
        with Celery("shop", broker=self.broker) as app:
            for parcel in range(parcels):
                app.send_task("shop.pack", args=[parcel + 1])
        return say("{n} parcels ordered", n=parcels)

    def packed(self) -> Counter[str]:
        """How often each parcel was packed."""
        self._lab.client  # noqa: B018  # a closed lab says so
        return Counter(self._packed.read_text().split())

    def kill_when_busy(self) -> str:
        """SIGKILL to the worker and its children, in the middle of their second parcels."""
        self._lab.until(lambda: len(self.packed()) >= 2, "the first parcels")
        time.sleep(0.25)  # half of what a parcel takes
        self._workers[-1].end()
        return say("killed after {n} parcels", n=len(self.packed()))

    def count(self) -> Outcome:
        """What became of the parcels, once all are packed or nothing has moved for a while."""
        packed, since = len(self.packed()), time.monotonic()
        with Progress("the parcels"):
            while packed < self._ordered and time.monotonic() - since < _STILL:
                time.sleep(0.05)  # between two looks
                if len(self.packed()) > packed:
                    packed, since = len(self.packed()), time.monotonic()
        held = min(self._held(), self._ordered - packed)
        word = "claims+redis://" if self.transport == "claims" else "redis://"
        return Outcome(word, packed, lost=self._ordered - packed - held, late=held)

    def _held(self) -> int:
        """How many parcels Redis still has somewhere."""
        if self.transport == "claims":
            summary = self._lab.client.summary()
            return sum(summary[state] for state in ("queued", "running", "scheduled", "retrying"))
        redis = self._lab.redis
        return int(redis.llen("celery")) + int(redis.hlen("unacked"))
