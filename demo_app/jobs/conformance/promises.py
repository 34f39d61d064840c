"""What is looked for, one function a promise: each does it to the real thing and returns what was
seen, in a few words for a table, or raises Broken.

A promise that a backend does not make is held to the other half of the bargain: it is refused,
with an error that says so.
"""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from demo_app.jobs.capabilities import Priority
from demo_app.jobs.conformance import deaths, probes
from demo_app.jobs.conformance.rig import QUIET, Broken, Refused, Rig

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


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing to look for.

    name: as the table's column says it. concurrency: of the worker that it needs. apart: it
    kills something, and so wants a rig of its own.
    """

    name: str
    see: Callable[[Rig], str]
    concurrency: int = 1
    apart: bool = False


def arguments_arrive_as_they_were_sent(rig: Rig) -> str:
    """Every value that JSON can carry arrives as it was; every other one is refused by name."""
    for value in AWKWARD:
        job = rig.put("echo", value=value)
        seen = rig.wait_for("ran", job=job)[0]["value"]
        _expect(_same(seen, value), f"{value!r:.80} arrived as {seen!r:.80}")
    for odd in probes.ODD:
        wanted = {"task": "echo", "odd": odd}
        _refused(rig, "ArgumentError", "'value'", jobs=[wanted])
    return "as sent"


def a_record_travels_as_its_id(rig: Rig) -> str:
    """The record is loaded where the job runs; when it is gone, the job is discarded."""
    (rig.folder / "thing-1").write_text("as it is when the job runs")
    job = rig.put("look_at", thing=1)
    _expect(
        rig.wait_for("ran", job=job)[0]["text"] == "as it is when the job runs",
        "the job saw the record as it was when it was put in",
    )
    gone = rig.put("look_at", thing=2)
    _after_all_that_was_put_in(rig)
    _expect(not rig.events("ran", job=gone), "the job ran without its record")
    if rig.capabilities.results:
        told = rig.finished(gone)
        _expect(told["state"] == "discarded", f"a job without its record ended as {told['state']}")
        _expect("Thing 2" in told["reason"], f"the reason does not name it: {told['reason']!r}")
    return "by id"


def jobs_begin_in_the_order_in_which_they_came(rig: Rig) -> str:
    """First in, first out, with one worker that runs one job at a time."""
    if not rig.capabilities.fifo:
        return "not promised"
    with _Held(rig):
        jobs = [{"task": "step", "arguments": {"number": number}} for number in range(20)]
        ids = rig.ask("enqueue", jobs=jobs[:10]) + [
            rig.put("step", number=n) for n in range(10, 20)
        ]
    rig.until(lambda: _ran(rig, ids, 20), "20 jobs")
    order = [event["number"] for event in rig.events("ran") if event["job"] in ids]
    _expect(order == list(range(20)), f"they ran as {order}")
    return "first in, first out"


def a_higher_priority_runs_first(rig: Rig) -> str:
    """A job with a higher priority overtakes those that wait."""
    kind = rig.capabilities.priority
    if kind is Priority.NONE:
        _refused(rig, "Unsupported", "priorit", jobs=[_step(1, priority=1)])
        return "refused"
    given = [-1, 0, 1] if kind is Priority.CLASSES else [-7, 0, 3, 50]
    with _Held(rig):
        ids = rig.ask("enqueue", jobs=[_step(number, priority=number) for number in given])
    rig.until(lambda: _ran(rig, ids, len(given)), "jobs of every priority")
    order = [event["number"] for event in rig.events("ran") if event["job"] in ids]
    _expect(order == sorted(given, reverse=True), f"the priorities ran as {order}")
    return str(kind)


def a_delayed_job_waits_for_its_moment(rig: Rig) -> str:
    """A job with `run_after` does not run before, and does run then."""
    due = time.time() + 1.2
    wanted = _step(1, run_after=due)
    if not rig.capabilities.run_after:
        _refused(rig, "Unsupported", "run_after", jobs=[wanted])
        return "refused"
    (job,) = rig.ask("enqueue", jobs=[wanted])
    at = rig.wait_for("ran", job=job)[0]["at"]
    _expect(at >= due, f"it ran {due - at:.3f} s too early")
    return "waits"


def a_failed_job_is_tried_again(rig: Rig) -> str:
    """After a wait that grows; the handle tells the tries and the errors."""
    job = rig.put("stumble", failures=2)
    tries = rig.wait_for("tried", 3, job=job)
    first, second = (after["at"] - before["at"] for before, after in pairwise(tries))
    _expect(first >= 0.3, f"the second try came after {first:.2f} s, not after 0.3 s")
    _expect(second >= 0.6, f"the third try came after {second:.2f} s, not after 0.6 s")
    if rig.capabilities.results:
        told = rig.finished(job)
        _expect(told["status"] == "SUCCESSFUL", f"it ended as {told['status']}")
        _expect(told["attempts"] == 3, f"3 tries are told as {told['attempts']}")
        _expect_errors(told, 2)
    _expect([event["attempt"] for event in tries] == [1, 2, 3], f"the attempts were {tries}")
    return "with backoff"


def a_job_that_keeps_failing_is_given_up(rig: Rig) -> str:
    """After as many tries as the job allows, and not before."""
    job = rig.put("fail")
    rig.wait_for("tried", 2, job=job)
    if rig.capabilities.results:
        told = rig.finished(job)
        _expect((told["status"], told["state"]) == ("FAILED", "dead"), f"it ended as {told}")
        _expect_errors(told, 2)
    _never(lambda: len(rig.events("tried", job=job)) > 2, "a third try of two")
    return "kept as dead"


def a_pointless_job_is_discarded(rig: Rig) -> str:
    """It is not tried again, and the reason is kept."""
    job = rig.put("pointless")
    rig.wait_for("tried", job=job)
    if rig.capabilities.results:
        told = rig.finished(job)
        _expect(told["state"] == "discarded", f"it ended as {told['state']}")
        _expect(told["reason"] == "LookupError: it is gone", f"the reason is {told['reason']!r}")
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
            _expect(refused.kind == "LookupError", f"the refusal is a {refused.kind}: {refused}")
            return "refused"
        raise Broken("it keeps no results, and tells of one all the same")
    told = rig.finished(job)
    _expect(told["value"] == {"found": [1, None]}, f"it returned {told['value']!r}")
    _expect(told["started_at"] and told["finished_at"], f"the times are missing: {told}")
    told = rig.finished(rig.put("return_a_set"))
    _expect(told["status"] == "FAILED", f"a set was returned, and the job is {told['status']}")
    _expect("ReturnValueError" in told["errors"][-1]["exception_class_path"], f"{told['errors']}")
    return "kept"


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
    _after_all_that_was_put_in(rig)
    ran = len(rig.events("ran", job=first))
    _expect(ran == 1, f"the same job, handed over four times, ran {ran} times")
    return "runs once"


def jobs_wait_for_the_commit(rig: Rig) -> str:
    """What is put in within a transaction waits for its end, and is dropped with a rollback."""
    dropped, kept = _step(1001), _step(1002)
    rig.ask("in a transaction", ends="rollback", jobs=[dropped])
    rig.ask("in a transaction", ends="commit", jobs=[kept])
    ran = rig.wait_for("ran", number=1002)[0]
    _after_all_that_was_put_in(rig)
    _expect(not rig.events("ran", number=1001), "a job of a rolled back transaction ran")
    ended = rig.events("transaction ends")[-1]
    _expect(ran["at"] >= ended["at"], "a job ran before its transaction ended")
    return "after commit"


def what_no_worker_knows_is_told(rig: Rig) -> str:
    """A queue that nobody works on is refused; a task that nobody knows ends as dead."""
    _refused(rig, "Unsupported", "'attic'", jobs=[_step(1, queue_name="attic")])
    record = {"task": "no.such.task", "arguments": {}, "id": str(uuid.uuid4())}
    (job,) = rig.ask("enqueue", jobs=[{"job": record}])
    if rig.capabilities.results:
        told = rig.finished(job)
        _expect(told["state"] == "dead", f"a job of an unknown task ended as {told['state']}")
        _expect("no.such.task" in told["errors"][-1]["traceback"], f"{told['errors']}")
    return "told"


def callbacks_surround_a_job(rig: Rig) -> str:
    """What was asked for around a job happens, where the job runs."""
    job = rig.put("surrounded")
    rig.wait_for("after", job=job)
    names = [event["event"] for event in rig.events(job=job)]
    _expect(names == ["before", "ran", "after"], f"around the job: {names}")
    return "before, after"


def jobs_run_side_by_side(rig: Rig) -> str:
    """Two jobs that wait for each other both end."""
    if not rig.capabilities.concurrent:
        return "one at a time"
    rig.put("meet", mine="left", other="right")
    rig.put("meet", mine="right", other="left")
    rig.until(lambda: len(rig.events("met")) + len(rig.events("alone")) > 1, "two jobs")
    _expect(not rig.events("alone"), "a job waited for another one in vain")
    return "yes"


def a_stop_is_clean(rig: Rig) -> str:
    """`close` may be called twice. A worker that is asked to stop ends, and no job runs twice."""
    if not rig.subject.worker:
        job = rig.put("step", number=1)
        rig.wait_for("ran", job=job)
        rig.ask("close")
        rig.ask("close")
        return "yes"
    rig.start_worker()
    held = rig.put("hold", name="stop")
    rig.wait_for("began", job=held)
    waiting = rig.put("step", number=1)
    rig.signal_worker(signal.SIGTERM)
    rig.release("stop")
    _expect(rig.wait_for_worker(15.0), "the worker still ran 15 s after SIGTERM")
    rig.start_worker()
    rig.wait_for("ran", job=waiting)
    rig.wait_for("ended", job=held)
    ran = len(rig.events("began", job=held))
    _expect(ran == 1, f"the job that ran while the worker stopped began {ran} times")
    rig.ask("close")
    rig.ask("close")
    return "the job ends first"


def it_runs_so_many_jobs_a_second(rig: Rig) -> str:
    """How many jobs that do nothing are put in and run in a second; measured, not judged."""
    jobs = [_step(number) for number in range(100)]
    began = time.time()
    ids = set(rig.ask("enqueue", jobs=jobs))
    rig.until(lambda: _ran(rig, ids, len(jobs)), f"{len(jobs)} jobs")
    last = max(event["at"] for event in rig.events("ran") if event["job"] in ids)
    return f"{len(jobs) / (last - began):,.0f}/s"


PROMISES: tuple[Promise, ...] = (
    Promise("arguments", arguments_arrive_as_they_were_sent),
    Promise("records", a_record_travels_as_its_id),
    Promise("order", jobs_begin_in_the_order_in_which_they_came),
    Promise("priority", a_higher_priority_runs_first),
    Promise("delay", a_delayed_job_waits_for_its_moment),
    Promise("retry", a_failed_job_is_tried_again),
    Promise("gives up", a_job_that_keeps_failing_is_given_up),
    Promise("discard", a_pointless_job_is_discarded),
    Promise("results", results_can_be_asked_for),
    Promise("same id twice", the_same_job_twice_runs_once),
    Promise("commit", jobs_wait_for_the_commit),
    Promise("unknown", what_no_worker_knows_is_told),
    Promise("callbacks", callbacks_surround_a_job),
    Promise("side by side", jobs_run_side_by_side, concurrency=4),
    Promise("throughput", it_runs_so_many_jobs_a_second, concurrency=4),
    Promise("stop", a_stop_is_clean, apart=True),
    Promise("SIGKILL of the enqueuer", deaths.of_who_put_it_in, apart=True),
    Promise("SIGKILL of the worker", deaths.of_who_runs_it, apart=True),
    Promise("SIGKILL while it takes a job", deaths.of_who_takes_it, apart=True),
    Promise("SIGKILL of the broker", deaths.of_the_broker, apart=True),
)


class _Held:
    """Keep the one worker busy, so that what is put in meanwhile waits."""

    def __init__(self, rig: Rig) -> None:
        self._rig, self._name = rig, f"{time.time()}"

    def __enter__(self) -> None:
        if not self._rig.in_request:
            job = self._rig.put("hold", name=self._name)
            self._rig.wait_for("began", job=job)

    def __exit__(self, *_: object) -> None:
        self._rig.release(self._name)


def _step(number: int, **using: Any) -> dict[str, Any]:
    return {"task": "step", "arguments": {"number": number}, "using": using}


def _ran(rig: Rig, ids: Any, times: int) -> bool:
    return sum(event["job"] in ids for event in rig.events("ran")) >= times


def _after_all_that_was_put_in(rig: Rig) -> None:
    """A worker that runs one job at a time has run everything before this one."""
    rig.wait_for("ran", job=rig.put("step", number=-1))


def _expect_errors(told: dict[str, Any], number: int) -> None:
    errors = told["errors"]
    _expect(len(errors) == number, f"{number} failures are told as {len(errors)} errors")
    for error in errors:
        path = error["exception_class_path"]
        _expect(path == f"{probes.__name__}.Passing", f"the error's class is told as {path!r}")
        _expect("Traceback" in error["traceback"], f"no traceback: {error['traceback']!r:.80}")


def _refused(rig: Rig, kind: str, word: str, **asked: Any) -> None:
    try:
        rig.ask("enqueue", **asked)
    except Refused as refused:
        _expect(refused.kind == kind, f"the refusal is a {refused.kind}, not {kind}: {refused}")
        _expect(word in str(refused), f"the refusal does not say {word!r}: {refused}")
    else:
        raise Broken(f"{asked} was taken without a word, and is not supported")


def _never(seen: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + QUIET
    while time.monotonic() < deadline:
        _expect(not seen(), f"there was {what}")
        time.sleep(0.02)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _expect(fine: object, otherwise: str) -> None:
    if not fine:
        raise Broken(otherwise)
