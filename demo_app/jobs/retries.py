"""Retries and discards of failed jobs: `retry_on` and `discard_on`, as in Rails' Active Job.

Write these decorators below `@task`. The topmost decorator that names the exception applies. Jobs
with other exceptions are retried with the default policy, since most failures are temporary.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The policy to retry a job later, with exponential backoff and jitter.

    Without jitter, all jobs that failed together would be retried together.

    Attributes:
        exceptions: the exceptions that it applies to.
        attempts: number of tries.
        first: the first wait (seconds). Each further wait is twice as long.
        longest: the longest wait (seconds).
        jitter: the maximum share of each wait (0 to 1) that is taken away at random.
        within: minimum age of a job (seconds) before it is given up after `attempts` failures. The
            age alone is not enough, since the clocks of the worker and the producer may differ.
            None if only the failures count.
        outage: True if the exceptions mean that a service does not answer. When a job of the task
            succeeds, some jobs of the task that wait after such an exception are retried early.
            Only `celery` with the transport `claims` does this.
    """

    exceptions: tuple[type[BaseException], ...] = (Exception,)
    attempts: int = 10
    first: float = 1.0
    longest: float = 600.0
    jitter: float = 0.5
    within: float | None = None
    outage: bool = False

    def wait(self, failures: int, chance: Callable[[], float] = random.random) -> float:
        """Return the seconds to wait after this number of failures (1 or more)."""
        full = min(self.longest, self.first * 2.0 ** min(failures - 1, 60))
        return full * (1.0 - self.jitter * chance())

    def gives_up(self, failures: int, age: float) -> bool:
        """Return True if no try is left after these failures, `age` seconds after enqueueing."""
        # keeps: patience
        return failures >= self.attempts and (self.within is None or age >= self.within)


@dataclass(frozen=True, slots=True)
class DiscardPolicy:
    """The policy to discard a job after these exceptions, without another try."""

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
    """Retry a job after these exceptions; see `RetryPolicy` for the parameters."""
    return _with(RetryPolicy(exceptions, attempts, first, longest, jitter, within, outage))


def discard_on(*exceptions: type[BaseException]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    return _with(DiscardPolicy(exceptions))


def policies_of(function: Callable[..., object]) -> tuple[Policy, ...]:
    """Return the policies of a function, the topmost first."""
    return tuple(getattr(function, "__job_policies__", ()))


def policy_for(policies: tuple[Policy, ...], error: BaseException) -> Policy:
    for policy in policies:
        if isinstance(error, policy.exceptions):
            return policy
    return DEFAULT


def _with(policy: Policy) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def mark(function: Callable[P, R]) -> Callable[P, R]:
        function.__job_policies__ = (policy, *policies_of(function))  # type: ignore[attr-defined]
        return function

    return mark
