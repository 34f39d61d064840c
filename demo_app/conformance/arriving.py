"""How a job gets in, and what arrives; see `suite`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from demo_app.conformance.expect import expect, refused
from demo_app.conformance.harness import Harness
from demo_app.conformance.sample_tasks import echo, step
from demo_app.jobs import ArgumentError, Job, Unsupported

#: Values that lose something in careless hands.
AWKWARD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    0.1,
    1e300,
    "",
    "コメント 🎉 \u0000 \r\n =?utf-8?q?x?=",
    "x" * 100_000,
    [],
    {},
    [[[{"a": [1, "1", None, {"b": {}}]}]]],
    {"": 1, "ключ": [True]},
]
#: What JSON can't carry, or would change on the way.
ODD = ((1, 2), {1}, b"x", datetime(2026, 11, 24, tzinfo=UTC), float("nan"), "\ud800", {1: "one"})


def arguments_arrive_as_they_were_sent(harness: Harness) -> str:
    """Every value that JSON can carry arrives as it was; every other one is refused by name."""
    for value in AWKWARD:
        (job,) = harness.put(echo.job(value))
        seen = harness.wait_for("ran", job=job)[0]["value"]
        same = type(seen) is type(value) and seen == value
        expect(same, f"{value!r:.80} arrived as {seen!r:.80}")
    for odd in ODD:
        refused(ArgumentError, "'value'", partial(echo.job, odd))
    return "as sent"


def what_no_worker_knows_is_reported(harness: Harness) -> str:
    """A queue that nobody works on is refused; a task that nobody knows ends as dead."""
    attic = step.using(queue_name="attic").job(1)
    refused(Unsupported, "'attic'", lambda: harness.put(attic))
    (job,) = harness.put(Job("no.such.task", {}))
    if harness.capabilities.results:
        result = harness.finished(job)
        expect(result.state == "dead", f"a job of an unknown task ended as {result.state}")
        expect("no.such.task" in result.errors[-1].traceback, f"{result.errors}")
    return "reported"
