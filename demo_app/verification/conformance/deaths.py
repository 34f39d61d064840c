"""What is left after a real SIGKILL.

A death that a backend declares to survive must lose nothing; any other one is looked at all the
same, for the table.
"""

from __future__ import annotations

import signal
import time

from demo_app.jobs.capabilities import Death
from demo_app.verification.conformance.rig import Broken, Rig

#: Seconds in which a lost job has the chance to prove that it was not lost.
LAST_CHANCE = 2.0
#: After these deaths the time until the last job went on is told.
_TIMED = (Death.WORKER, Death.BROKER)


def of_who_put_it_in(rig: Rig) -> str:
    """Jobs wait; the process that put them in is killed."""
    jobs = ["held"]
    if rig.subject.worker:
        jobs = [rig.put("step", number=number) for number in range(3)]
    else:
        rig.tell("enqueue", jobs=[{"task": "hold", "arguments": {"name": "it"}, "id": "held"}])
        rig.wait_for("began", name="it")
    killed_at = time.time()
    rig.kill_host()
    rig.release("it")
    rig.start_host()
    rig.start_worker()
    return _verdict(rig, Death.ENQUEUER, jobs, killed_at)


def of_who_runs_it(rig: Rig) -> str:
    """The process that runs a job is killed in the middle of it."""
    if not rig.subject.worker:
        return of_who_put_it_in(rig)
    rig.start_worker()
    job = rig.put("hold", name="killed")
    rig.wait_for("began", job=job)
    killed_at = time.time()
    rig.signal_worker(signal.SIGKILL)
    rig.release("killed")
    rig.start_worker()
    return _verdict(rig, Death.WORKER, [job], killed_at)


def of_who_takes_it(rig: Rig) -> str:
    """A worker that waits for a job is stopped dead, gets one, and is killed."""
    if not rig.subject.worker:
        return "no worker"
    rig.start_worker()
    rig.wait_for("ran", job=rig.put("step", number=1))
    rig.wait_until_idle()
    rig.signal_worker(signal.SIGSTOP)
    job = rig.put_beside_stopped_worker("step", number=2)
    killed_at = time.time()
    rig.signal_worker(signal.SIGKILL)
    rig.start_worker()
    return _verdict(rig, Death.CLAIM, [job], killed_at)


def of_the_broker(rig: Rig) -> str:
    """The broker is killed while jobs wait and one runs, and is started again."""
    if rig.subject.broker is None:
        return "no server"
    rig.start_worker()
    held = rig.put("hold", name="broker")
    rig.wait_for("began", job=held)
    jobs = [rig.put("step", number=number) for number in range(3)]
    killed_at = time.time()
    rig.kill_broker()
    rig.start_broker()
    rig.release("broker")
    return _verdict(rig, Death.BROKER, [held, *jobs], killed_at)


def _verdict(rig: Rig, death: Death, jobs: list[str], killed_at: float) -> str:
    """Whether each of the jobs ran, or ran on, after the kill."""

    def gone_on() -> list[float]:
        rig.keep_worker_alive()
        last = {event["job"]: event["at"] for event in rig.events() if event["at"] > killed_at}
        return [last[job] for job in jobs] if last.keys() >= set(jobs) else []

    declared = death in rig.capabilities.survives
    if not declared:  # whoever runs jobs now runs this one, so the others had their turn
        rig.wait_for("ran", job=rig.put("step", number=-1))
    if rig.happens(gone_on, rig.subject.patience if declared else LAST_CHANCE):
        took = f", {max(gone_on()) - killed_at:.1f} s" if death in _TIMED else ""
        return f"nothing lost{took}" if declared else "lost nothing this time"
    if declared:
        raise Broken(f"lost a job, and promised to survive a SIGKILL of the {death}")
    return "lost"
