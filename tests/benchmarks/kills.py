"""The number of jobs that are missing some time after a SIGKILL of a worker."""

from __future__ import annotations

import os
import signal

import psutil

from benchmarks.measuring import Running, at_work, seconds_of
from demo_app.rig.polling import until

JOBS = 200
#: Duration of each job (seconds): long enough that a worker runs a job when it is killed.
JOB_SECONDS = 0.1
#: Seconds from the kill to the count. New workers start right after the kill.
PATIENCE = 20.0


def missing_after_a_kill(name: str, layout: str) -> int:
    """Run JOBS jobs, kill one process that runs jobs, and start new workers. Return how many jobs
    are not done PATIENCE seconds later."""
    settings = {"BENCH_SECONDS": str(JOB_SECONDS)}
    with at_work(name, JOBS, layout, settings) as running:
        until(lambda: running.arrived()[0] >= JOBS // 4, 60.0)
        os.kill(_busiest(running), signal.SIGKILL)
        for _ in list(running.workers):
            running.start_worker()
        until(lambda: running.arrived()[0] >= JOBS, PATIENCE)
        return JOBS - running.arrived()[0]


def _busiest(running: Running) -> int:
    """Return the pid of the childless process with the most processor time: it runs jobs."""
    leaves = [
        process
        for worker in running.workers
        for process in (psutil.Process(worker.pid), *psutil.Process(worker.pid).children(True))
        if not process.children()
    ]
    return max(leaves, key=lambda process: seconds_of([process.pid])).pid
