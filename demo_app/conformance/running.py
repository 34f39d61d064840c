"""When and where jobs run; see `suite`."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from demo_app.conformance.expect import expect, refused
from demo_app.conformance.harness import Harness
from demo_app.conformance.sample_tasks import hold, meet, step
from demo_app.jobs import Unsupported
from demo_app.jobs.capabilities import Priority


@contextmanager
def held(harness: Harness) -> Iterator[None]:
    """Keep the one worker busy, so that jobs put in within the block wait."""
    name = f"{time.time()}"
    if not harness.in_request:
        harness.put(hold.job(name))
        harness.wait_for("began", name=name)
    yield
    harness.release(name)


def jobs_begin_in_the_order_in_which_they_came(harness: Harness) -> str:
    """First in, first out, with one worker that runs one job at a time."""
    if not harness.capabilities.fifo:
        return "not promised"
    with held(harness):
        ids = harness.put(*map(step.job, range(10)))
        for number in range(10, 20):
            ids += harness.put(step.job(number))
    order = [event["number"] for event in harness.wait_until_all_ran(ids)]
    expect(order == list(range(20)), f"they ran as {order}")
    return "first in, first out"


def a_higher_priority_runs_first(harness: Harness) -> str:
    """A job with a higher priority overtakes those that wait."""
    kind = harness.capabilities.priority
    if kind is Priority.NONE:
        urgent = step.using(priority=1).job(1)
        refused(Unsupported, "priorit", lambda: harness.put(urgent))
        return "refused"
    given = [-1, 0, 1] if kind is Priority.CLASSES else [-7, 0, 3, 50]
    with held(harness):
        ids = harness.put(*(step.using(priority=number).job(number) for number in given))
    order = [event["number"] for event in harness.wait_until_all_ran(ids)]
    expect(order == sorted(given, reverse=True), f"the priorities ran as {order}")
    return str(kind)


def a_delayed_job_waits_for_its_moment(harness: Harness) -> str:
    """A job with `run_after` does not run before, and does run then."""
    due = datetime.now(UTC) + timedelta(seconds=1.2)
    later = step.using(run_after=due).job(1)
    if not harness.capabilities.run_after:
        refused(Unsupported, "run_after", lambda: harness.put(later))
        return "refused"
    [event] = harness.wait_until_all_ran(harness.put(later))
    early = due.timestamp() - event["at"]
    expect(early <= 0, f"it ran {early:.3f} s too early")
    return "waits"


def jobs_run_side_by_side(harness: Harness) -> str:
    """Two jobs that wait for each other both end."""
    if not harness.capabilities.concurrent:
        return "one at a time"
    harness.put(meet.job(mine="left", other="right"), meet.job(mine="right", other="left"))
    harness.until(lambda: len(harness.events("met")) + len(harness.events("alone")) > 1, "two jobs")
    expect(not harness.events("alone"), "a job waited for another one that did not run")
    return "yes"


def it_runs_so_many_jobs_a_second(harness: Harness) -> str:
    """How many jobs that do nothing are put in and run in a second; measured, not judged."""
    jobs = [step.job(number) for number in range(100)]
    began = time.time()
    last = max(event["at"] for event in harness.wait_until_all_ran(harness.put(*jobs)))
    return f"{len(jobs) / (last - began):,.0f}/s"


def a_stop_is_clean(harness: Harness) -> str:
    """`close` may be called twice. A worker that is asked to stop ends, and no job runs twice."""
    harness.start_worker()
    if harness.has_worker:
        harness.put(hold.job("stop"))
        harness.wait_for("began", name="stop")
        waiting = harness.put(step.job(1))
        stopped = set(harness.stack.kill("worker", signal.SIGTERM))
        harness.release("stop")
        harness.until(
            lambda: not stopped & set(harness.stack.ready["pids"]["worker"]),
            "the worker's end after SIGTERM",
        )
        harness.wait_until_all_ran(waiting)
        harness.wait_for("ended", name="stop")
        ran = len(harness.events("began", name="stop"))
        expect(ran == 1, f"the job that ran while the worker stopped began {ran} times")
    else:
        harness.wait_until_all_ran(harness.put(step.job(1)))
    harness.ask("close")
    harness.ask("close")
    return "the job ends first" if harness.has_worker else "yes"
