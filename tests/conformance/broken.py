"""Backends that are broken on purpose. The suite must find the fault of each."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from demo_app.backends.huey import HueyBackend
from demo_app.backends.inline import InlineBackend
from demo_app.backends.memory import MemoryBackend
from demo_app.backends.rq import RqBackend
from demo_app.jobs import Job
from demo_app.jobs.backend import Backend
from demo_app.jobs.capabilities import Death
from demo_app.jobs.outcome import Failed, Outcome, Retry, Succeeded, begin, end
from demo_app.jobs.perform import perform
from demo_app.jobs.result import TaskResult


class Memory(MemoryBackend):
    """The correct memory backend. Most of the broken backends are derived from this class."""

    def __init__(self, settings: Any) -> None:
        super().__init__(concurrency=settings.concurrency)


def _with_jobs(change: Callable[[list[Job]], list[Job]]) -> type[Memory]:
    class Changing(Memory):
        def _enqueue(self, jobs: list[Job]) -> None:
            super()._enqueue(change(jobs))

    return Changing


def _with_outcomes(change: Callable[[Job, Outcome], Outcome]) -> type[Memory]:
    class Bending(Memory):
        def _try(self, job: Job) -> Outcome:
            begin(self._results[job.id], job.attempts + 1)
            outcome = change(job, perform(job))
            end(self._results[job.id], outcome)
            return outcome

    return Bending


def _careless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _careless(item) for key, item in value.items() if item != {}}
    return str(value) if isinstance(value, float) else value


ChangesArguments = _with_jobs(
    lambda jobs: [replace(job, arguments=_careless(job.arguments)) for job in jobs]
)
LastInFirstOut = _with_jobs(
    lambda jobs: [replace(job, priority=int(time.monotonic() * 1000)) for job in jobs[::-1]]
)
NeverTriesAgain = _with_outcomes(
    lambda _, outcome: Failed(outcome.error) if isinstance(outcome, Retry) else outcome
)
TriesAgainAtOnce = _with_outcomes(
    lambda _, outcome: replace(outcome, after=0.0) if isinstance(outcome, Retry) else outcome
)
SwallowsErrors = _with_outcomes(
    lambda _, outcome: outcome if isinstance(outcome, Retry) else Succeeded(None)
)
OverlooksUnknownTasks = _with_outcomes(
    lambda job, outcome: Succeeded(None) if job.task == "no.such.task" else outcome
)


class LosesTracebacks(Memory):
    def find(self, job_id: str) -> TaskResult | None:
        found = super().find(job_id)
        if found is not None:
            found.errors = [replace(error, traceback="") for error in found.errors]
        return found


class TakesWhatItCantDo(InlineBackend):
    """A backend that accepts jobs with a priority or a delay, and ignores both."""

    def __init__(self, settings: Any) -> None:
        super().__init__()

    def check(self, job: Job) -> None:
        pass


def _promising(backend: type[Backend], *deaths: Death) -> Any:
    capabilities = replace(backend.capabilities, survives=frozenset(deaths))
    return type(f"Boasting{backend.__name__}", (backend,), {"capabilities": capabilities})


MemorySurvivesEverything = _promising(Memory, *Death)
HueySurvivesItsWorker = _promising(HueyBackend, Death.WORKER)
RqTakesJobsSafely = _promising(RqBackend, Death.CLAIM)
