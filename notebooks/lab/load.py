"""How long jobs wait as the load grows: measured on the real queue, beside the theory."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from demo_app.demo import timeline as timelines
from demo_app.demo.colours import DELIVERED, EDGE, INK, KILL, RUNNING
from demo_app.demo.run import journal_end
from lab.figures import drawn, panels
from lab.jobs import work
from lab.language import say, sentence
from lab.progress import Progress
from lab.running import Lab
from lab.show import Picture, seconds

#: Seeds for the lengths and the gaps, chosen so that a run of seconds is typical of a long one.
_SEEDS = 107, 8
_JOBS, _MEAN_WORK = 200, 0.008
#: How far from the share that was asked for a run may be, and how often it is tried.
_OFF, _TRIES = 0.07, 3


@dataclass(frozen=True, slots=True)
class Load:
    """One run. Times in seconds; rate: jobs per second.

    asked, utilisation: for what share of the time the worker was to be busy, and was; 0 to 1.
    mean_queue: how many jobs waited on average, found by counting them.
    """

    jobs: int
    asked: float
    utilisation: float
    mean_wait: float
    mean_work: float
    rate: float
    mean_queue: float

    @property
    def as_asked(self) -> bool:
        """Whether the worker was about as busy as it was to be."""
        return abs(self.utilisation - self.asked) <= _OFF


def predicted_wait(share: float, mean_work: float = 1.0) -> float:
    """The mean wait with one server that is busy for that share (0 to 1) of the time, if jobs come
    at random times and take random amounts of time (the model M/M/1)."""
    return mean_work * share / max(0.01, 1.0 - share)


def run_load(lab: Lab, share: float) -> Load:
    """Enqueue 200 jobs at random times, so that a worker's only thread is busy for that share (0 to
    1) of the time, and measure what happens; again when the machine was too busy for that share,
    and then the run that came closest."""
    runs: list[Load] = []
    while len(runs) < _TRIES and not (runs and runs[-1].as_asked):
        runs.append(_run(lab, share))
    return min(runs, key=lambda one: abs(one.utilisation - share))


def _run(lab: Lab, share: float) -> Load:
    with Progress(say("a run at {share:.0%}", share=share)):
        lengths = _random_times(_SEEDS[0], _MEAN_WORK)
        gaps = _random_times(_SEEDS[1], _time_of_one(lab) / share)
        since, due = journal_end(lab.client), time.monotonic()
        with _counting(lab) as counted:
            for number, (gap, length) in enumerate(zip(gaps, lengths, strict=True)):
                due += gap
                time.sleep(max(0.0, due - time.monotonic()))
                work.enqueue(name=f"{number}", seconds=length)
            lab.wait()
        seen = timelines.read(lab.redis, since)
    first = min(job.enqueued for job in seen.jobs)
    last = max(job.done or 0.0 for job in seen.jobs)
    works = _works(seen)
    return Load(
        jobs=len(seen.jobs),
        asked=share,
        utilisation=sum(works) / (last - first),
        mean_wait=statistics.mean(job.runs[-1].began - job.enqueued for job in seen.jobs),
        mean_work=statistics.mean(works),
        rate=len(works) / (last - first),
        mean_queue=_mean(counted, first, last),
    )


def _time_of_one(lab: Lab) -> float:
    """For how long an average job keeps the worker busy here, claim included; the median."""
    since = journal_end(lab.client)
    for number in range(15):
        work.enqueue(name=f"{number}", seconds=_MEAN_WORK)
    lab.wait()
    return statistics.median(_works(timelines.read(lab.redis, since)))


def _works(seen: timelines.Timeline) -> list[float]:
    return [(job.done or 0.0) - job.runs[-1].began for job in seen.jobs]


def _random_times(seed: int, mean: float) -> list[float]:
    """Random lengths of time (exponentially distributed) with exactly this mean."""
    dice = random.Random(seed)
    drawn = [dice.expovariate(1.0) for _ in range(_JOBS)]
    return [one * mean * _JOBS / sum(drawn) for one in drawn]


@contextmanager
def _counting(lab: Lab) -> Iterator[list[tuple[float, int]]]:
    """Counts the jobs in the queue many times a second, without asking any job how long it
    waited."""
    redis: Any = lab.client.redis()
    ended, counted = threading.Event(), []

    def count() -> None:
        while not ended.wait(0.004):
            waiting = redis.llen("queue:default")
            counted.append((time.time(), waiting))

    thread = threading.Thread(target=count, name="counter", daemon=True)
    thread.start()
    try:
        yield counted
    finally:
        ended.set()
        thread.join()
        redis.close()


def _mean(counted: list[tuple[float, int]], first: float, last: float) -> float:
    """The average between two moments; each count holds until the next one."""
    counted = [(at, waiting) for at, waiting in counted if first <= at <= last]
    area = sum(n * (then - at) for (at, n), (then, _) in pairwise(counted))
    return area / (counted[-1][0] - counted[0][0])


def load_picture(loads: Sequence[Load]) -> Picture:
    """The measured waits, over the curve that the theory predicts."""
    figure, (axes,) = panels(4.6)
    work_time = statistics.mean(load.mean_work for load in loads)
    percent = list(range(1, 98))
    curve = [1000 * predicted_wait(share / 100, work_time) for share in percent]
    measured = [1000 * load.mean_wait for load in loads]
    axes.plot(percent, curve, color=RUNNING, linewidth=2.4, label=drawn("predicted"))
    axes.plot([100 * load.utilisation for load in loads], measured, "o", color=DELIVERED,
              markersize=9, label=drawn("measured"))  # fmt: skip
    axes.axvline(80, color=KILL, linestyle=(0, (4, 3)))
    knee = drawn("80 %: the knee")
    axes.annotate(knee, (79, 0.9), xycoords=("data", "axes fraction"), ha="right", fontsize=13,
                  color=INK)  # fmt: skip
    axes.set_ylim(0, 1.15 * max([*measured, curve[89]]))
    axes.set_xlim(0, 100)
    axes.set_xlabel(drawn("the worker is busy, in % of the time"), fontsize=13)
    axes.set_ylabel(drawn("a job waits, in ms"), fontsize=13)
    axes.grid(color=EDGE, alpha=0.2)
    axes.legend(frameon=False, fontsize=13, loc="center left")
    sentences, told = [], "busy {share:.0%}: waits {wait}, predicted {predicted}"
    for one in loads:
        predicted = seconds(predicted_wait(one.utilisation, one.mean_work))
        wait = seconds(one.mean_wait)
        sentences.append(say(told, share=one.utilisation, wait=wait, predicted=predicted))
    return Picture.of(figure, say("Mean wait of a job. ") + sentence(sentences))
