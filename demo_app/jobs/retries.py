"""What happens when a job fails: `retry_on` and `discard_on`, as in Rails' ActiveJob.

Put them below `@task`; the first that names the exception wins. An exception that none names
is retried too, with the default policy, since most failures pass.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Try again later: each wait is twice the last one, up to a limit, and partly by chance.

    Without the chance part (jitter) all jobs that failed together would come back together.
    attempts: how many tries there are. first, longest: seconds. jitter: the share of each wait
    that is left to chance, 0 to 1. within: seconds since the job was put in, during which it is
    tried however many attempts that takes. The clock of the worker may be days ahead of the one
    that put it in: so there are `attempts` tries all the same. outage: these exceptions say that
    what the task needs is away, and the first of its jobs that succeeds wakes those that wait.
    """

    exceptions: tuple[type[BaseException], ...] = (Exception,)
    attempts: int = 10
    first: float = 1.0
    longest: float = 600.0
    jitter: float = 0.5
    within: float | None = None
    outage: bool = False

    def wait(self, failures: int, chance: Callable[[], float] = random.random) -> float:
        """Seconds to wait after so many failures (1 or more)."""
        full = min(self.longest, self.first * 2.0 ** min(failures - 1, 60))
        return full * (1.0 - self.jitter * chance())

    def gives_up(self, failures: int, age: float) -> bool:
        """Whether a job that failed so many times, and was put in `age` seconds ago, is dead."""
        # keeps: patience
        return failures >= self.attempts and (self.within is None or age >= self.within)


@dataclass(frozen=True, slots=True)
class DiscardPolicy:
    """Don't try again: the job is discarded, with the reason."""

    exceptions: tuple[type[BaseException], ...]


Policy = RetryPolicy | DiscardPolicy
DEFAULT = RetryPolicy()


def retry_on(
    *exceptions: type[BaseException],
    attempts: int = 10,
    first: float = 1.0,
    longest: float = 600.0,
    jitter: float = 0.5,
    within: float | None = None,
    outage: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Try a job again after these exceptions; see `RetryPolicy` for the meaning of the numbers."""
    return _with(RetryPolicy(exceptions, attempts, first, longest, jitter, within, outage))


def discard_on(
    *exceptions: type[BaseException],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Discard a job after these exceptions: what it was about is gone."""
    return _with(DiscardPolicy(exceptions))


def policies_of(function: Callable[..., object]) -> tuple[Policy, ...]:
    """The policies put on a function, the topmost first."""
    return tuple(getattr(function, "__job_policies__", ()))


def policy_for(policies: tuple[Policy, ...], error: BaseException) -> Policy:
    """The policy that decides over this error."""
    for policy in policies:
        if isinstance(error, policy.exceptions):
            return policy
    return DEFAULT


def _with(policy: Policy) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def mark(function: Callable[P, R]) -> Callable[P, R]:
        function.__job_policies__ = (policy, *policies_of(function))  # type: ignore[attr-defined]
        return function

    return mark
