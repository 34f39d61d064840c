"""What is left after a real SIGKILL.

A death that a backend declares to survive must lose nothing; any other one is looked at all the
same, for the table.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence

from demo_app.conformance.expect import Broken
from demo_app.conformance.harness import Harness
from demo_app.conformance.sample_tasks import hold, step
from demo_app.jobs.capabilities import Death
from demo_app.web.processes import lives

#: Seconds in which a lost job has the chance to prove that it was not lost.
LAST_CHANCE = 2.0


def death_of_who_put_it_in(harness: Harness) -> str:
    """Jobs wait; the process that put them in is killed."""
    if harness.has_worker:
        jobs = harness.put(*map(step.job, range(3)))
    else:
        job = hold.job("it")
        harness.send("enqueue_many", [job])
        harness.wait_for("began", name="it")
        jobs = [job.id]
    killed_at = time.time()
    harness.kill_host()
    harness.release("it")
    harness.start_host()
    harness.start_worker()
    return _verdict(harness, Death.ENQUEUER, jobs, killed_at)


def death_of_who_runs_it(harness: Harness) -> str:
    """The process that runs a job is killed in the middle of it."""
    if not harness.has_worker:
        return death_of_who_put_it_in(harness)
    harness.start_worker()
    jobs = harness.put(hold.job("killed"))
    [began] = harness.wait_for("began", name="killed")
    killed_at = time.time()
    harness.stack.kill("worker")
    harness.until(lambda: not lives(began["pid"]), "the end of the process that ran the job")
    harness.release("killed")
    return _verdict(harness, Death.WORKER, jobs, killed_at)


def death_of_who_takes_it(harness: Harness) -> str:
    """A worker that waits for a job is stopped dead, gets one, and is killed."""
    if not harness.has_worker:
        return "no worker"
    harness.start_worker()
    harness.wait_until_all_ran(harness.put(step.job(1)))
    harness.wait_until_idle()
    harness.stack.kill("worker", signal.SIGSTOP)
    job = step.job(2)
    harness.put_beside_stopped_worker(job)
    killed_at = time.time()
    harness.stack.kill("worker")
    return _verdict(harness, Death.CLAIM, [job.id], killed_at)


def _verdict(harness: Harness, death: Death, jobs: Sequence[str], killed_at: float) -> str:
    """Whether each of the jobs ran, or ran on, after the kill."""

    def gone_on() -> list[float]:
        last = {event["job"]: event["at"] for event in harness.events() if event["at"] > killed_at}
        return [last[job] for job in jobs] if last.keys() >= set(jobs) else []

    declared = death in harness.capabilities.survives
    if not declared:  # this job runs after those above, which had their turn then
        harness.wait_until_all_ran(harness.put(step.job(-1)))
    if harness.happens(gone_on, harness.patience if declared else LAST_CHANCE):
        took = f", {max(gone_on()) - killed_at:.1f} s" if death is Death.WORKER else ""
        return f"nothing lost{took}" if declared else "lost nothing this time"
    if declared:
        raise Broken(f"lost a job, and promised to survive a SIGKILL of the {death}")
    return "lost"
