"""How a job gets in, and what arrives; see `suite`."""

from __future__ import annotations

import uuid
from typing import Any

from demo_app.conformance.expect import expect, refused, step
from demo_app.conformance.harness import Harness
from demo_app.conformance.processes import SAMPLE_TASKS
from demo_app.conformance.sample_tasks import ODD

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


def arguments_arrive_as_they_were_sent(harness: Harness) -> str:
    """Every value that JSON can carry arrives as it was; every other one is refused by name."""
    for value in AWKWARD:
        job = harness.put("echo", value=value)
        seen = harness.wait_for("ran", job=job)[0]["value"]
        same = type(seen) is type(value) and seen == value
        expect(same, f"{value!r:.80} arrived as {seen!r:.80}")
    for odd in ODD:
        wanted = {"task": "echo", "odd": odd}
        refused(harness, "ArgumentError", "'value'", jobs=[wanted])
    return "as sent"


def the_same_job_twice_runs_once(harness: Harness) -> str:
    """A job that is handed over again, with the same id, is not taken a second time."""
    if not harness.capabilities.once:
        return "runs twice"
    job = {"task": f"{SAMPLE_TASKS}.step", "arguments": {"number": 1}}
    first = harness.ask("enqueue", jobs=[{"job": job | {"id": str(uuid.uuid4())}}])[0]
    again = {"job": job | {"id": first}}
    harness.ask("enqueue", jobs=[again, again])
    harness.wait_for("ran", job=first)
    harness.ask("enqueue", jobs=[again])
    harness.wait_for("ran", job=harness.put("step", number=-1))  # after all of them
    ran = len(harness.events("ran", job=first))
    expect(ran == 1, f"the same job, handed over four times, ran {ran} times")
    return "runs once"


def what_no_worker_knows_is_reported(harness: Harness) -> str:
    """A queue that nobody works on is refused; a task that nobody knows ends as dead."""
    refused(harness, "Unsupported", "'attic'", jobs=[step(1, queue_name="attic")])
    record = {"task": "no.such.task", "arguments": {}, "id": str(uuid.uuid4())}
    (job,) = harness.ask("enqueue", jobs=[{"job": record}])
    if harness.capabilities.results:
        result = harness.finished(job)
        expect(result["state"] == "dead", f"a job of an unknown task ended as {result['state']}")
        expect("no.such.task" in result["errors"][-1]["traceback"], f"{result['errors']}")
    return "reported"
