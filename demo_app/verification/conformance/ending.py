"""How a job ends, and what is told of it; see `promises`."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from demo_app.verification.conformance import probes
from demo_app.verification.conformance.look import expect
from demo_app.verification.conformance.rig import QUIET, Broken, Refused, Rig


def a_failed_job_is_tried_again(rig: Rig) -> str:
    """After a wait that grows; the handle tells the tries and the errors."""
    job = rig.put("stumble", failures=2)
    tries = rig.wait_for("tried", 3, job=job)
    first, second = (after["at"] - before["at"] for before, after in pairwise(tries))
    expect(first >= 0.3, f"the second try came after {first:.2f} s, not after 0.3 s")
    expect(second >= 0.6, f"the third try came after {second:.2f} s, not after 0.6 s")
    if rig.capabilities.results:
        told = rig.finished(job)
        expect(told["status"] == "SUCCESSFUL", f"it ended as {told['status']}")
        expect(told["attempts"] == 3, f"3 tries are told as {told['attempts']}")
        _expect_errors(told, 2)
    expect([event["attempt"] for event in tries] == [1, 2, 3], f"the attempts were {tries}")
    return "with backoff"


def a_job_that_keeps_failing_is_given_up(rig: Rig) -> str:
    """After as many tries as the job allows, and not before."""
    job = rig.put("fail")
    rig.wait_for("tried", 2, job=job)
    if rig.capabilities.results:
        told = rig.finished(job)
        expect((told["status"], told["state"]) == ("FAILED", "dead"), f"it ended as {told}")
        _expect_errors(told, 2)
    _never(lambda: len(rig.events("tried", job=job)) > 2, "a third try of two")
    return "kept as dead"


def a_pointless_job_is_discarded(rig: Rig) -> str:
    """It is not tried again, and the reason is kept."""
    job = rig.put("pointless")
    rig.wait_for("tried", job=job)
    if rig.capabilities.results:
        told = rig.finished(job)
        expect(told["state"] == "discarded", f"it ended as {told['state']}")
        expect(told["reason"] == "LookupError: it is gone", f"the reason is {told['reason']!r}")
    _never(lambda: len(rig.events("tried", job=job)) > 1, "another try of a discarded job")
    return "with its reason"


def results_can_be_asked_for(rig: Rig) -> str:
    """What a job returned, and when it ran; what JSON can't carry fails the job, visibly."""
    job = rig.put("echo", value={"found": [1, None]})
    rig.wait_for("ran", job=job)
    if not rig.capabilities.results:
        try:
            rig.find(job)
        except Refused as refused:
            expect(refused.kind == "LookupError", f"the refusal is a {refused.kind}: {refused}")
            return "refused"
        raise Broken("it keeps no results, and tells of one all the same")
    told = rig.finished(job)
    expect(told["value"] == {"found": [1, None]}, f"it returned {told['value']!r}")
    expect(told["started_at"] and told["finished_at"], f"the times are missing: {told}")
    told = rig.finished(rig.put("return_a_set"))
    expect(told["status"] == "FAILED", f"a set was returned, and the job is {told['status']}")
    expect("ReturnValueError" in told["errors"][-1]["exception_class_path"], f"{told['errors']}")
    return "kept"


def _expect_errors(told: dict[str, Any], number: int) -> None:
    errors = told["errors"]
    expect(len(errors) == number, f"{number} failures are told as {len(errors)} errors")
    for error in errors:
        path = error["exception_class_path"]
        expect(path == f"{probes.__name__}.Passing", f"the error's class is told as {path!r}")
        expect("Traceback" in error["traceback"], f"no traceback: {error['traceback']!r:.80}")


def _never(seen: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + QUIET
    while time.monotonic() < deadline:
        expect(not seen(), f"there was {what}")
        time.sleep(0.02)
