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


def a_record_travels_as_its_id(rig: Rig) -> str:
    """The record is loaded where the job runs; when it is gone, the job is discarded."""
    (rig.folder / "thing-1").write_text("as it is when the job runs")
    job = rig.put("look_at", thing=1)
    expect(
        rig.wait_for("ran", job=job)[0]["text"] == "as it is when the job runs",
        "the job saw the record as it was when it was put in",
    )
    gone = rig.put("look_at", thing=2)
    after_all_that_was_put_in(rig)
    expect(not rig.events("ran", job=gone), "the job ran without its record")
    if rig.capabilities.results:
        told = rig.finished(gone)
        expect(told["state"] == "discarded", f"a job without its record ended as {told['state']}")
        expect("Thing 2" in told["reason"], f"the reason does not name it: {told['reason']!r}")
    return "by id"


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


def jobs_wait_for_the_commit(rig: Rig) -> str:
    """What is put in within a transaction waits for its end, and is dropped with a rollback."""
    dropped, kept = step(1001), step(1002)
    rig.ask("in a transaction", ends="rollback", jobs=[dropped])
    rig.ask("in a transaction", ends="commit", jobs=[kept])
    ran = rig.wait_for("ran", number=1002)[0]
    after_all_that_was_put_in(rig)
    expect(not rig.events("ran", number=1001), "a job of a rolled back transaction ran")
    ended = rig.events("transaction ends")[-1]
    expect(ran["at"] >= ended["at"], "a job ran before its transaction ended")
    return "after commit"


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
