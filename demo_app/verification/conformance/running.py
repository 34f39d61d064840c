"""When and where jobs run; see `promises`."""

from __future__ import annotations

import signal
import time

from demo_app.jobs.capabilities import Priority
from demo_app.verification.conformance.look import Held, expect, ran, refused, step
from demo_app.verification.conformance.rig import Rig


def jobs_begin_in_the_order_in_which_they_came(rig: Rig) -> str:
    """First in, first out, with one worker that runs one job at a time."""
    if not rig.capabilities.fifo:
        return "not promised"
    with Held(rig):
        jobs = [{"task": "step", "arguments": {"number": number}} for number in range(20)]
        ids = rig.ask("enqueue", jobs=jobs[:10]) + [
            rig.put("step", number=n) for n in range(10, 20)
        ]
    rig.until(lambda: ran(rig, ids, 20), "20 jobs")
    order = [event["number"] for event in rig.events("ran") if event["job"] in ids]
    expect(order == list(range(20)), f"they ran as {order}")
    return "first in, first out"


def a_higher_priority_runs_first(rig: Rig) -> str:
    """A job with a higher priority overtakes those that wait."""
    kind = rig.capabilities.priority
    if kind is Priority.NONE:
        refused(rig, "Unsupported", "priorit", jobs=[step(1, priority=1)])
        return "refused"
    given = [-1, 0, 1] if kind is Priority.CLASSES else [-7, 0, 3, 50]
    with Held(rig):
        ids = rig.ask("enqueue", jobs=[step(number, priority=number) for number in given])
    rig.until(lambda: ran(rig, ids, len(given)), "jobs of every priority")
    order = [event["number"] for event in rig.events("ran") if event["job"] in ids]
    expect(order == sorted(given, reverse=True), f"the priorities ran as {order}")
    return str(kind)


def a_delayed_job_waits_for_its_moment(rig: Rig) -> str:
    """A job with `run_after` does not run before, and does run then."""
    due = time.time() + 1.2
    wanted = step(1, run_after=due)
    if not rig.capabilities.run_after:
        refused(rig, "Unsupported", "run_after", jobs=[wanted])
        return "refused"
    (job,) = rig.ask("enqueue", jobs=[wanted])
    at = rig.wait_for("ran", job=job)[0]["at"]
    expect(at >= due, f"it ran {due - at:.3f} s too early")
    return "waits"


def jobs_run_side_by_side(rig: Rig) -> str:
    """Two jobs that wait for each other both end."""
    if not rig.capabilities.concurrent:
        return "one at a time"
    rig.put("meet", mine="left", other="right")
    rig.put("meet", mine="right", other="left")
    rig.until(lambda: len(rig.events("met")) + len(rig.events("alone")) > 1, "two jobs")
    expect(not rig.events("alone"), "a job waited for another one in vain")
    return "yes"


def it_runs_so_many_jobs_a_second(rig: Rig) -> str:
    """How many jobs that do nothing are put in and run in a second; measured, not judged."""
    jobs = [step(number) for number in range(100)]
    began = time.time()
    ids = set(rig.ask("enqueue", jobs=jobs))
    rig.until(lambda: ran(rig, ids, len(jobs)), f"{len(jobs)} jobs")
    last = max(event["at"] for event in rig.events("ran") if event["job"] in ids)
    return f"{len(jobs) / (last - began):,.0f}/s"


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
    expect(rig.wait_for_worker(rig.subject.patience), "the worker did not stop after SIGTERM")
    rig.start_worker()
    rig.wait_for("ran", job=waiting)
    rig.wait_for("ended", job=held)
    ran = len(rig.events("began", job=held))
    expect(ran == 1, f"the job that ran while the worker stopped began {ran} times")
    rig.ask("close")
    rig.ask("close")
    return "the job ends first"
