"""What is left after a real SIGKILL.

A death that a backend declares to survive must lose nothing; any other one is looked at all the
same, for the table.
"""

from __future__ import annotations

import signal
import time

from demo_app.conformance.harness import Broken, Harness
from demo_app.conformance.processes import kill
from demo_app.jobs.capabilities import Death

#: Seconds in which a lost job has the chance to prove that it was not lost.
LAST_CHANCE = 2.0
#: After these deaths the table shows how long it took until the last job went on.
_TIMED = (Death.WORKER, Death.BROKER)


def death_of_who_put_it_in(harness: Harness) -> str:
    """Jobs wait; the process that put them in is killed."""
    jobs = ["held"]
    if harness.subject.worker:
        jobs = [harness.put("step", number=number) for number in range(3)]
    else:
        harness.send("enqueue", jobs=[{"task": "hold", "arguments": {"name": "it"}, "id": "held"}])
        harness.wait_for("began", name="it")
    killed_at = time.time()
    kill(harness.host)
    harness.release("it")
    harness.start_host()
    harness.start_worker()
    return _verdict(harness, Death.ENQUEUER, jobs, killed_at)


def death_of_who_runs_it(harness: Harness) -> str:
    """The process that runs a job is killed in the middle of it."""
    if not harness.subject.worker:
        return death_of_who_put_it_in(harness)
    harness.start_worker()
    job = harness.put("hold", name="killed")
    harness.wait_for("began", job=job)
    killed_at = time.time()
    harness.signal_worker(signal.SIGKILL)
    harness.release("killed")
    harness.start_worker()
    return _verdict(harness, Death.WORKER, [job], killed_at)


def death_of_who_takes_it(harness: Harness) -> str:
    """A worker that waits for a job is stopped dead, gets one, and is killed."""
    if not harness.subject.worker:
        return "no worker"
    harness.start_worker()
    harness.wait_for("ran", job=harness.put("step", number=1))
    harness.wait_until_idle()
    harness.signal_worker(signal.SIGSTOP)
    job = harness.put_beside_stopped_worker("step", number=2)
    killed_at = time.time()
    harness.signal_worker(signal.SIGKILL)
    harness.start_worker()
    return _verdict(harness, Death.CLAIM, [job], killed_at)


def death_of_the_broker(harness: Harness) -> str:
    """The broker is killed while jobs wait and one runs, and is started again."""
    if harness.subject.broker is None:
        return "no server"
    harness.start_worker()
    held = harness.put("hold", name="broker")
    harness.wait_for("began", job=held)
    jobs = [harness.put("step", number=number) for number in range(3)]
    killed_at = time.time()
    kill(harness.broker)
    harness.start_broker()
    harness.release("broker")
    return _verdict(harness, Death.BROKER, [held, *jobs], killed_at)


def _verdict(harness: Harness, death: Death, jobs: list[str], killed_at: float) -> str:
    """Whether each of the jobs ran, or ran on, after the kill."""

    def gone_on() -> list[float]:
        harness.keep_worker_alive()
        last = {event["job"]: event["at"] for event in harness.events() if event["at"] > killed_at}
        return [last[job] for job in jobs] if last.keys() >= set(jobs) else []

    declared = death in harness.capabilities.survives
    if not declared:  # this job runs after those above, which had their turn then
        harness.wait_for("ran", job=harness.put("step", number=-1))
    if harness.happens(gone_on, harness.subject.patience if declared else LAST_CHANCE):
        took = f", {max(gone_on()) - killed_at:.1f} s" if death in _TIMED else ""
        return f"nothing lost{took}" if declared else "lost nothing this time"
    if declared:
        raise Broken(f"lost a job, and promised to survive a SIGKILL of the {death}")
    return "lost"
