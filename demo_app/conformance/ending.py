"""How a job ends, and what is result of it; see `suite`."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from demo_app.conformance.expect import expect
from demo_app.conformance.harness import QUIET, Broken, Harness, Refused
from demo_app.conformance.processes import SAMPLE_TASKS


def a_failed_job_is_tried_again(harness: Harness) -> str:
    """After a wait that grows; the handle tells the tries and the errors."""
    job = harness.put("stumble", failures=2)
    tries = harness.wait_for("tried", 3, job=job)
    first, second = (after["at"] - before["at"] for before, after in pairwise(tries))
    expect(first >= 0.3, f"the second try came after {first:.2f} s, not after 0.3 s")
    expect(second >= 0.6, f"the third try came after {second:.2f} s, not after 0.6 s")
    if harness.capabilities.results:
        result = harness.finished(job)
        expect(result["status"] == "SUCCESSFUL", f"it ended as {result['status']}")
        expect(result["attempts"] == 3, f"3 tries are result as {result['attempts']}")
        _expect_errors(result, 2)
    expect([event["attempt"] for event in tries] == [1, 2, 3], f"the attempts were {tries}")
    return "with backoff"


def a_job_that_keeps_failing_is_given_up(harness: Harness) -> str:
    """After as many tries as the job allows, and not before."""
    job = harness.put("fail")
    harness.wait_for("tried", 2, job=job)
    if harness.capabilities.results:
        result = harness.finished(job)
        expect((result["status"], result["state"]) == ("FAILED", "dead"), f"it ended as {result}")
        _expect_errors(result, 2)
    _never(lambda: len(harness.events("tried", job=job)) > 2, "a third try of two")
    return "kept as dead"


def a_pointless_job_is_discarded(harness: Harness) -> str:
    """It is not tried again, and the reason is kept."""
    job = harness.put("pointless")
    harness.wait_for("tried", job=job)
    if harness.capabilities.results:
        result = harness.finished(job)
        expect(result["state"] == "discarded", f"it ended as {result['state']}")
        expect(result["reason"] == "LookupError: it is gone", f"the reason is {result['reason']!r}")
    _never(lambda: len(harness.events("tried", job=job)) > 1, "another try of a discarded job")
    return "with its reason"


def results_can_be_asked_for(harness: Harness) -> str:
    """What a job returned, and when it ran; what JSON can't carry fails the job, visibly."""
    job = harness.put("echo", value={"found": [1, None]})
    harness.wait_for("ran", job=job)
    if not harness.capabilities.results:
        try:
            harness.find(job)
        except Refused as refused:
            expect(refused.kind == "LookupError", f"the refusal is a {refused.kind}: {refused}")
            return "refused"
        raise Broken("it keeps no results, and tells of one all the same")
    result = harness.finished(job)
    expect(result["value"] == {"found": [1, None]}, f"it returned {result['value']!r}")
    expect(result["started_at"] and result["finished_at"], f"the times are missing: {result}")
    result = harness.finished(harness.put("return_a_set"))
    expect(result["status"] == "FAILED", f"a set was returned, and the job is {result['status']}")
    expect(
        "ReturnValueError" in result["errors"][-1]["exception_class_path"], f"{result['errors']}"
    )
    return "kept"


def _expect_errors(result: dict[str, Any], number: int) -> None:
    errors = result["errors"]
    expect(len(errors) == number, f"{number} failures are result as {len(errors)} errors")
    for error in errors:
        path = error["exception_class_path"]
        expect(path == f"{SAMPLE_TASKS}.Passing", f"the error's class is result as {path!r}")
        expect("Traceback" in error["traceback"], f"no traceback: {error['traceback']!r:.80}")


def _never(seen: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + QUIET
    while time.monotonic() < deadline:
        expect(not seen(), f"there was {what}")
        time.sleep(0.02)
