"""A Celery app in a cell, with workers that are started and killed while they run tasks."""

import time
from collections import Counter

import psutil
from celery import Celery

from demo_app.rig.polling import Stillness, poll
from demo_app.rig.uninterruptible import uninterruptible
from lab.extra_process import ExtraProcess
from lab.figures import Outcome
from lab.language import translate
from lab.program import Program, cell_of, unfinished
from lab.progress import Progress
from lab.running import Lab
from lab.show import LabError

#: `count` stops waiting after this many seconds without a new line. It is more than a lease, and
#: less than the hour after which stock Celery redelivers a job.
_STILL = 8.0


class Parcels:
    """A learner's Celery app, and the workers that run its tasks.

    The source is the last cell with a line that begins with "app = ". It is written to a module
    with the app's name. The app's task writes a line into ``packed.txt`` for each parcel. Start a
    new lab for each app, since all apps of one Redis share its queue.

    Raises:
        LabError: the cell has no app yet.
    """

    def __init__(self, lab: Lab, app: Celery) -> None:
        if not isinstance(app, Celery):
            text = "`app` is not a Celery app yet. Write it in its cell, and run that cell."
            raise LabError(text)
        self.lab, self.program = lab, Program(lab, cell_of("app = "), app.main)
        self._workers: list[ExtraProcess] = []
        self._forget()  # workers with an earlier version of the cell would run this version's jobs

    def start_worker(self) -> str:
        self._workers.append(self.program.worker("--concurrency", "2"))
        return f"celery -A {self.program.name} worker --concurrency 2"

    def start_over(self) -> None:
        """Delete earlier orders and start a new worker: a repeated cell counts only its own orders.

        Do nothing if a worker runs and there are no orders yet.
        """
        works = any(worker.alive for worker in self._workers)
        if not works or unfinished(self.lab.redis) or self.lines():
            self._forget()
            self.start_worker()

    def _forget(self) -> None:
        uninterruptible(self.lab.at_end.close)  # this ends the workers
        self.lab.redis.flushall()
        for file in ("charged.txt", "packed.txt"):
            (self.program.folder / file).unlink(missing_ok=True)

    def lines(self, file: str = "packed.txt") -> Counter[str]:
        return Counter(self.program.lines(file))

    def kill_when_busy(self) -> str:
        self.lab.until(lambda: len(self.lines()) >= 2, "the first parcels")
        if "charged.txt" in self.program.text:
            self.lab.until(self._caught, "a job in the middle of its work")
        else:
            time.sleep(0.25)  # half the time that packing a parcel takes
        self._workers[-1].kill()
        return translate("killed after {n} parcels", n=len(self.lines()))

    def _caught(self) -> bool:
        """Suspend the worker's children. If none of them packs a parcel, resume them.

        A child packs a parcel if the parcel is charged and not yet packed. With early
        acknowledgement, the parcel's task must also be acknowledged.

        Returns:
            True if a child packs a parcel, or the worker is dead.
        """
        if not (worker := self._workers[-1]).alive:
            return True
        children = psutil.Process(worker.pid).children()
        for child in children:
            child.suspend()
        late = "acks_late" in self.program.text
        unacked = "" if late else str(self.lab.redis.hvals("unacked"))
        begun = self.lines("charged.txt") - self.lines()
        if any(f"({parcel},)" not in unacked for parcel in begun):
            return True
        for child in children:
            child.resume()
        return False

    def count(self, ordered: int) -> Outcome:
        """Wait until all parcels are packed or there is no progress, and return the counts."""
        stillness = Stillness()
        with Progress("the parcels"):
            for _ in poll():
                packed = len(self.lines())
                if packed >= ordered or stillness.seconds(packed) >= _STILL:
                    break
        late = min(unfinished(self.lab.redis), ordered - packed)
        name = "claims+redis://" if "claims+" in self.program.text else "redis://"
        return Outcome(name, packed, lost=ordered - packed - late, late=late)
