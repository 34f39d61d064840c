"""How a job gets in, and what arrives; see `promises`."""

from __future__ import annotations

import uuid
from typing import Any

from demo_app.verification.conformance import probes
from demo_app.verification.conformance.look import after_all_that_was_put_in, expect, refused, step
from demo_app.verification.conformance.rig import Rig

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


def arguments_arrive_as_they_were_sent(rig: Rig) -> str:
    """Every value that JSON can carry arrives as it was; every other one is refused by name."""
    for value in AWKWARD:
        job = rig.put("echo", value=value)
        seen = rig.wait_for("ran", job=job)[0]["value"]
        expect(_same(seen, value), f"{value!r:.80} arrived as {seen!r:.80}")
    for odd in probes.ODD:
        wanted = {"task": "echo", "odd": odd}
        refused(rig, "ArgumentError", "'value'", jobs=[wanted])
    return "as sent"


def the_same_job_twice_runs_once(rig: Rig) -> str:
    """A job that is handed over again, with the same id, is not taken a second time."""
    if not rig.capabilities.once:
        return "runs twice"
    job = {"task": f"{probes.__name__}.step", "arguments": {"number": 1}}
    first = rig.ask("enqueue", jobs=[{"job": job | {"id": str(uuid.uuid4())}}])[0]
    again = {"job": job | {"id": first}}
    rig.ask("enqueue", jobs=[again, again])
    rig.wait_for("ran", job=first)
    rig.ask("enqueue", jobs=[again])
    after_all_that_was_put_in(rig)
    ran = len(rig.events("ran", job=first))
    expect(ran == 1, f"the same job, handed over four times, ran {ran} times")
    return "runs once"


def what_no_worker_knows_is_told(rig: Rig) -> str:
    """A queue that nobody works on is refused; a task that nobody knows ends as dead."""
    refused(rig, "Unsupported", "'attic'", jobs=[step(1, queue_name="attic")])
    record = {"task": "no.such.task", "arguments": {}, "id": str(uuid.uuid4())}
    (job,) = rig.ask("enqueue", jobs=[{"job": record}])
    if rig.capabilities.results:
        told = rig.finished(job)
        expect(told["state"] == "dead", f"a job of an unknown task ended as {told['state']}")
        expect("no.such.task" in told["errors"][-1]["traceback"], f"{told['errors']}")
    return "told"


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
