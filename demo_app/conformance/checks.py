"""The checks of the promises in `suite`. Each check tests one promise on a harness.

Some checks kill a process. If the backend declares that it survives this kill, no job may be lost.
A kill that the backend does not declare is tested too, but the result is only shown in the table.
"""

import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Any

from demo_app.conformance.harness import NEVER, Broken, Harness
from demo_app.conformance.sample_tasks import Passing, echo, hold, pointless, step, stumble
from demo_app.jobs import ArgumentError, Job, TaskResult, Unsupported
from demo_app.jobs.capabilities import Death
from demo_app.rig.polling import until
from demo_app.rig.process import is_alive

#: Values that wrong encoding or decoding changes easily.
AWKWARD: list[Any] = [
    *(None, True, 0, -1, 2**70, 0.1, 1e300),
    *("", "コメント 🎉 \u0000 \r\n =?utf-8?q?x?=", "x" * 100_000),
    *([], {}, [[[{"a": [1, "1", None, {"b": {}}]}]]], {"": 1, "ключ": [True]}),
]
#: Values that must be refused: JSON does not have them, or would change them.
ODD = ((1, 2), {1}, b"x", datetime(2026, 11, 24, tzinfo=UTC), float("nan"), "\ud800", {1: "one"})
#: Seconds to wait for a job that the backend may lose. After that the job counts as lost.
LAST_CHANCE = 2.0


def expect(fine: object, otherwise: str) -> None:
    if not fine:
        raise Broken(otherwise)


def expect_refusal(kind: type[Exception], word: str, act: Callable[[], object]) -> None:
    try:
        act()
    except Exception as error:
        expect(type(error) is kind and word in str(error), f"the error of the refusal is {error!r}")
    else:
        raise Broken("the backend accepted an unsupported option without an error")


def arguments_arrive_as_they_were_sent(harness: Harness) -> str:
    for value in AWKWARD:
        (job,) = harness.put(echo.job(value))
        seen = harness.wait_for("ran", job=job)[0]["value"]
        same = type(seen) is type(value) and seen == value
        expect(same, f"{value!r:.80} arrived as {seen!r:.80}")
    for odd in ODD:
        expect_refusal(ArgumentError, "'value'", partial(echo.job, odd))
    return "as sent"


def what_no_worker_knows_is_reported(harness: Harness) -> str:
    """Check the fate of jobs that no worker can run.

    A job for a queue without a worker must be refused. A job of an unknown task must end as dead.
    """
    attic = step.using(queue_name="attic").job(1)
    expect_refusal(Unsupported, "'attic'", lambda: harness.put(attic))
    (job,) = harness.put(Job("no.such.task", {}))
    if harness.capabilities.results:
        result = harness.finished(job)
        expect(result.state == "dead", f"a job of an unknown task ended as {result.state}")
        expect("no.such.task" in result.errors[-1].traceback, f"{result.errors}")
    return "reported"


def jobs_begin_in_the_order_in_which_they_came(harness: Harness) -> str:
    if not harness.capabilities.fifo:
        return "not promised"
    if not harness.in_request:  # keep the only worker busy, so that the jobs wait
        harness.put(hold.job("busy"))
        harness.wait_for("began", name="busy")
    ids = harness.put(*map(step.job, range(10)))
    for number in range(10, 20):
        ids += harness.put(step.job(number))
    harness.release("busy")
    order = [event["number"] for event in harness.wait_until_all_ran(ids)]
    expect(order == list(range(20)), f"they ran as {order}")
    return "first in, first out"


def a_failed_job_is_tried_again(harness: Harness) -> str:
    job, result = _ended(harness, stumble.job(failures=2), 3, "done")
    tries = harness.events("tried", job=job)
    first, second = (after["at"] - before["at"] for before, after in pairwise(tries))
    expect(first >= 0.3, f"the second try came after {first:.2f} s, not after 0.3 s")
    expect(second >= 0.6, f"the third try came after {second:.2f} s, not after 0.6 s")
    if result:
        expect(result.attempts == 3, f"after 3 tries the result has attempts={result.attempts}")
        kept = [error.exception_class_path for error in result.errors]
        expect(kept == 2 * [f"{Passing.__module__}.Passing"], f"the errors are {kept}")
        last = result.errors[-1].traceback  # earlier tracebacks may be shortened
        expect("Traceback" in last, f"no traceback: {last!r:.80}")
    expect([event["attempt"] for event in tries] == [1, 2, 3], f"the attempts were {tries}")
    return "with backoff"


def a_pointless_job_is_discarded(harness: Harness) -> str:
    _, result = _ended(harness, pointless.job(), 1, "discarded")
    if result:
        reason = result.reason
        expect(reason == "LookupError: the record is gone", f"the reason is {reason!r}")
    return "with its reason"


def _ended(harness: Harness, tried: Job, tries: int, state: str) -> tuple[str, TaskResult | None]:
    """Run a job. Return its id and its result (None if the backend stores no results).

    Raises:
        Broken: the number of tries was not `tries`, or the state in the result is not `state`.
    """
    (job,) = harness.put(tried)
    harness.wait_for("tried", tries, job=job)
    result = harness.finished(job) if harness.capabilities.results else None
    expect(not result or result.state == state, f"it ended as {result and result.state}")
    again = until(lambda: len(harness.events("tried", job=job)) > tries, NEVER)
    expect(not again, f"there was another try, although {tries} are the limit")
    return job, result


def death_of_who_put_it_in(harness: Harness) -> str:
    """While jobs wait or run, kill the process that enqueued them.

    Then start the process again, and start a worker.
    """
    if harness.has_worker:
        jobs = harness.put(*map(step.job, range(3)))
    else:
        job = hold.job("it")
        harness.send("enqueue_many", [job])
        harness.wait_for("began", name="it")
        jobs = [job.id]
    killed_at = time.time()
    harness.host.kill()
    harness.release("it")
    harness.start_host()
    harness.start_worker()
    return _verdict(harness, Death.ENQUEUER, "the process that enqueued it", jobs, killed_at)


def death_of_who_runs_it(harness: Harness) -> str:
    """Kill the process that runs a job, in the middle of the job."""
    if not harness.has_worker:
        return death_of_who_put_it_in(harness)
    harness.start_worker()
    jobs = harness.put(hold.job("killed"))
    [began] = harness.wait_for("began", name="killed")
    killed_at = time.time()
    harness.stack.kill("worker")
    harness.until(lambda: not is_alive(began["pid"]), "the end of the process that ran the job")
    harness.release("killed")
    return _verdict(harness, Death.WORKER, "the worker that ran it", jobs, killed_at)


def death_of_who_takes_it(harness: Harness) -> str:
    """Suspend a worker that waits for a job, enqueue a job, and kill the worker."""
    if not harness.has_worker:
        return "has no worker"
    if not harness.capabilities.in_redis:
        return "not tried"
    harness.start_worker()
    harness.wait_until_all_ran(harness.put(step.job(1)))
    harness.wait_until_idle()
    harness.stack.kill("worker", signal.SIGSTOP)
    jobs = harness.put(step.job(2))
    killed_at = time.time()
    harness.stack.kill("worker")
    return _verdict(harness, Death.CLAIM, "the worker that took it", jobs, killed_at)


def _verdict(harness: Harness, death: Death, killed: str, jobs: Sequence[str], at: float) -> str:
    """Return what became of the jobs after SIGKILL to the process `killed` at the time `at`."""

    def gone_on() -> list[float]:
        last = {event["job"]: event["at"] for event in harness.events() if event["at"] > at}
        return [last[job] for job in jobs] if last.keys() >= set(jobs) else []

    declared = death in harness.capabilities.survives
    if not declared:  # the tested jobs may be lost: wait until a later job has run
        harness.wait_until_all_ran(harness.put(step.job(-1)))
    if until(gone_on, harness.patience if declared else LAST_CHANCE):
        took = f", {max(gone_on()) - at:.1f} s" if death is Death.WORKER else ""
        return f"nothing lost{took}" if declared else "lost nothing this time"
    if declared:
        raise Broken(
            f"a job did not run within {harness.patience:g} s after SIGKILL to {killed}, "
            "although the backend declares that its jobs survive this"
        )
    return "lost"
