"""Backends that are broken on purpose, each in one way that the suite must find."""

from __future__ import annotations

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
from demo_app.jobs.capabilities import Death, Priority
from demo_app.jobs.outcome import Failed, Outcome, Retry, Succeeded
from demo_app.jobs.perform import perform
from demo_app.jobs.result import TaskResult


class Memory(MemoryBackend):
    """Works as it should, with one thread."""

    def __init__(self, settings: Any) -> None:
        super().__init__(concurrency=settings.concurrency)


class ChangesArguments(Memory):
    """Sorts lists and drops what is empty, as a careless serializer does."""

    def _enqueue(self, jobs: list[Job]) -> None:
        super()._enqueue([replace(job, arguments=_careless(job.arguments)) for job in jobs])


def _careless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _careless(item) for key, item in value.items() if item != {}}
    return str(value) if isinstance(value, float) else value


class LastInFirstOut(Memory):
    def _enqueue(self, jobs: list[Job]) -> None:
        super()._enqueue(
            [replace(job, priority=int(time.monotonic() * 1000)) for job in jobs[::-1]]
        )


class ForgetsPriority(Memory):
    def _enqueue(self, jobs: list[Job]) -> None:
        super()._enqueue([replace(job, priority=0) for job in jobs])


class ForgetsDelay(Memory):
    def _enqueue(self, jobs: list[Job]) -> None:
        super()._enqueue([replace(job, run_after=None) for job in jobs])


class TakesWhatItCantDo(InlineBackend):
    """Ignores the priority and the delay that a job asks for."""

    def __init__(self, settings: Any) -> None:
        super().__init__()

    def check(self, job: Job) -> None:
        pass


class _Outcomes(Memory):
    """Bends how a job ended."""

    bend: Callable[[Job, Outcome], Outcome]

    def _perform(self, job: Job) -> Outcome:
        return type(self).bend(job, perform(job))


class NeverTriesAgain(_Outcomes):
    @staticmethod
    def bend(job: Job, outcome: Outcome) -> Outcome:
        return Failed(outcome.error) if isinstance(outcome, Retry) else outcome


class TriesAgainAtOnce(_Outcomes):
    @staticmethod
    def bend(job: Job, outcome: Outcome) -> Outcome:
        return replace(outcome, after=0.0) if isinstance(outcome, Retry) else outcome


class NeverGivesUp(_Outcomes):
    @staticmethod
    def bend(job: Job, outcome: Outcome) -> Outcome:
        return Retry(0.1, outcome.error) if isinstance(outcome, Failed) else outcome


class SwallowsErrors(_Outcomes):
    @staticmethod
    def bend(job: Job, outcome: Outcome) -> Outcome:
        return outcome if isinstance(outcome, Retry) else Succeeded(None)


class LosesTracebacks(Memory):
    def find(self, job_id: str) -> TaskResult | None:
        found = super().find(job_id)
        if found is not None:
            found.errors = [replace(error, traceback="") for error in found.errors]
        return found


class LosesResults(Memory):
    def find(self, job_id: str) -> TaskResult | None:
        found = super().find(job_id)
        if found is not None:
            found._return_value = None
        return found


class RunsTwice(Memory):
    """Takes every job as a new one."""

    def _enqueue(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._is_new(job)
            self._put(job, job.due or 0.0)


class OneAtATime(MemoryBackend):
    """Promises to run jobs side by side, with one thread."""

    def __init__(self, settings: Any) -> None:
        super().__init__(concurrency=1)


class LosesEveryThird(Memory):
    def _enqueue(self, jobs: list[Job]) -> None:
        super()._enqueue([job for job in jobs if job.arguments.get("number", 0) % 3 != 1])


class CantBeClosedTwice(Memory):
    def close(self) -> None:
        if self._closed:
            raise RuntimeError("closed already")
        super().close()


class OverlooksUnknownTasks(_Outcomes):
    @staticmethod
    def bend(job: Job, outcome: Outcome) -> Outcome:
        return Succeeded(None) if job.task == "no.such.task" else outcome


def _promising(backend: type[Backend], *deaths: Death) -> Any:
    """The same backend, which claims to survive more than it does."""
    capabilities = replace(backend.capabilities, survives=frozenset(deaths))
    return type(f"Boasting{backend.__name__}", (backend,), {"capabilities": capabilities})


MemorySurvivesEverything = _promising(Memory, *Death)
HueySurvivesItsWorker = _promising(HueyBackend, Death.WORKER)
RqTakesJobsSafely = _promising(RqBackend, Death.CLAIM)
ForgetsPriority.capabilities = replace(Memory.capabilities, priority=Priority.EXACT)
