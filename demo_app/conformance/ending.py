"""How a job ends, and what is kept of it; see `suite`."""

from __future__ import annotations

from itertools import pairwise

from demo_app.conformance.expect import expect
from demo_app.conformance.harness import NEVER, Harness
from demo_app.conformance.sample_tasks import Passing, pointless, stumble
from demo_app.jobs import Job, TaskResult


def a_failed_job_is_tried_again(harness: Harness) -> str:
    """After a wait that grows; the handle tells the tries and the errors."""
    job, result = _ended(harness, stumble.job(failures=2), 3, "done")
    tries = harness.events("tried", job=job)
    first, second = (after["at"] - before["at"] for before, after in pairwise(tries))
    expect(first >= 0.3, f"the second try came after {first:.2f} s, not after 0.3 s")
    expect(second >= 0.6, f"the third try came after {second:.2f} s, not after 0.6 s")
    if result:
        expect(result.attempts == 3, f"after 3 tries the result says {result.attempts}")
        _expect_errors(result, 2)
    expect([event["attempt"] for event in tries] == [1, 2, 3], f"the attempts were {tries}")
    return "with backoff"


def a_pointless_job_is_discarded(harness: Harness) -> str:
    """It is not tried again, and the reason is kept."""
    _, result = _ended(harness, pointless.job(), 1, "discarded")
    if result:
        expect(result.reason == "LookupError: it is gone", f"the reason is {result.reason!r}")
    return "with its reason"


def _ended(harness: Harness, wanted: Job, tries: int, state: str) -> tuple[str, TaskResult | None]:
    """Put the job in, and expect so many tries and that end; its id, and its result, if any."""
    (job,) = harness.put(wanted)
    harness.wait_for("tried", tries, job=job)
    result = harness.finished(job) if harness.capabilities.results else None
    expect(not result or result.state == state, f"it ended as {result and result.state}")
    again = harness.happens(lambda: len(harness.events("tried", job=job)) > tries, NEVER)
    expect(not again, f"there was another try after {tries}, the last that is allowed")
    return job, result


def _expect_errors(result: TaskResult, number: int) -> None:
    expect(len(result.errors) == number, f"of {number} failures it kept {len(result.errors)}")
    for error in result.errors:
        path = error.exception_class_path
        wanted = f"{Passing.__module__}.{Passing.__qualname__}"
        expect(path == wanted, f"the error's class is kept as {path!r}")
    last = result.errors[-1].traceback  # of an earlier one a backend may keep the last line alone
    expect("Traceback" in last, f"no traceback: {last!r:.80}")
