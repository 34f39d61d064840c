"""When and where jobs run; see `suite`."""

from __future__ import annotations

import signal
import time

from demo_app.conformance.expect import expect, held, refused, step, wait_until_all_ran
from demo_app.conformance.harness import Harness
from demo_app.jobs.capabilities import Priority


def jobs_begin_in_the_order_in_which_they_came(harness: Harness) -> str:
    """First in, first out, with one worker that runs one job at a time."""
    if not harness.capabilities.fifo:
        return "not promised"
    with held(harness):
        jobs = [{"task": "step", "arguments": {"number": number}} for number in range(20)]
        ids = harness.ask("enqueue", jobs=jobs[:10]) + [
            harness.put("step", number=n) for n in range(10, 20)
        ]
    order = [event["number"] for event in wait_until_all_ran(harness, ids)]
    expect(order == list(range(20)), f"they ran as {order}")
    return "first in, first out"


def a_higher_priority_runs_first(harness: Harness) -> str:
    """A job with a higher priority overtakes those that wait."""
    kind = harness.capabilities.priority
    if kind is Priority.NONE:
        refused(harness, "Unsupported", "priorit", jobs=[step(1, priority=1)])
        return "refused"
    given = [-1, 0, 1] if kind is Priority.CLASSES else [-7, 0, 3, 50]
    with held(harness):
        ids = harness.ask("enqueue", jobs=[step(number, priority=number) for number in given])
    order = [event["number"] for event in wait_until_all_ran(harness, ids)]
    expect(order == sorted(given, reverse=True), f"the priorities ran as {order}")
    return str(kind)


def a_delayed_job_waits_for_its_moment(harness: Harness) -> str:
    """A job with `run_after` does not run before, and does run then."""
    due = time.time() + 1.2
    wanted = step(1, run_after=due)
    if not harness.capabilities.run_after:
        refused(harness, "Unsupported", "run_after", jobs=[wanted])
        return "refused"
    (job,) = harness.ask("enqueue", jobs=[wanted])
    at = harness.wait_for("ran", job=job)[0]["at"]
    expect(at >= due, f"it ran {due - at:.3f} s too early")
    return "waits"


def jobs_run_side_by_side(harness: Harness) -> str:
    """Two jobs that wait for each other both end."""
    if not harness.capabilities.concurrent:
        return "one at a time"
    harness.put("meet", mine="left", other="right")
    harness.put("meet", mine="right", other="left")
    harness.until(lambda: len(harness.events("met")) + len(harness.events("alone")) > 1, "two jobs")
    expect(not harness.events("alone"), "a job waited for another one that did not run")
    return "yes"


def it_runs_so_many_jobs_a_second(harness: Harness) -> str:
    """How many jobs that do nothing are put in and run in a second; measured, not judged."""
    jobs = [step(number) for number in range(100)]
    began = time.time()
    ids = harness.ask("enqueue", jobs=jobs)
    last = max(event["at"] for event in wait_until_all_ran(harness, ids))
    return f"{len(jobs) / (last - began):,.0f}/s"


def a_stop_is_clean(harness: Harness) -> str:
    """`close` may be called twice. A worker that is asked to stop ends, and no job runs twice."""
    if not harness.subject.worker:
        job = harness.put("step", number=1)
        harness.wait_for("ran", job=job)
        harness.ask("close")
        harness.ask("close")
        return "yes"
    harness.start_worker()
    held = harness.put("hold", name="stop")
    harness.wait_for("began", job=held)
    waiting = harness.put("step", number=1)
    harness.signal_worker(signal.SIGTERM)
    harness.release("stop")
    harness.until(lambda: harness.worker.poll() is not None, "the worker's end after SIGTERM")
    harness.start_worker()
    harness.wait_for("ran", job=waiting)
    harness.wait_for("ended", job=held)
    ran = len(harness.events("began", job=held))
    expect(ran == 1, f"the job that ran while the worker stopped began {ran} times")
    harness.ask("close")
    harness.ask("close")
    return "the job ends first"
