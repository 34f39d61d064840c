"""Run RQ's workers: ``python -m demo_app.backends.rq_worker``.

This is RQ's own pool of workers, which fork a process for each job. There are two changes. The
intervals are shorter: by default, RQ checks for dead workers every ten minutes. The job class can
call only one function.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from math import ceil
from typing import Any

from rq import Worker as RqWorker
from rq import get_current_job
from rq.job import Job as RqJob
from rq.job import Retry as RqRetry
from rq.serializers import JSONSerializer
from rq.worker_pool import WorkerPool

from demo_app.backends.rq import RUN, RqBackend
from demo_app.jobs.job import Job
from demo_app.jobs.outcome import Discarded, Failed, JobDead, Retry, Succeeded
from demo_app.jobs.perform import perform
from demo_app.jobs.task import load_tasks
from demo_app.settings import settings


def run(record: dict[str, Any]) -> Any:
    """Run one job. RQ calls this in a forked process, for each try.

    Returns the job's value, an RQ retry, or None if the job was discarded.

    Raises:
        JobDead: the job failed, and will not be tried again.
    """
    mine = get_current_job()
    assert mine is not None
    outcome = perform(replace(Job.from_record(record), attempts=mine.meta["attempts"]))
    if isinstance(outcome, Succeeded):
        return outcome.value
    if isinstance(outcome, Discarded):
        mine.meta["reason"] = outcome.reason
    else:
        mine.meta["errors"].append(asdict(outcome.error))
    if isinstance(outcome, Retry):
        mine.meta["attempts"] += 1
    mine.save_meta()  # type: ignore[no-untyped-call]
    if isinstance(outcome, Failed):
        mine.retries_left = 0  # RQ's retries are for dead workers
        raise JobDead(outcome.error.traceback)
    if isinstance(outcome, Retry):
        now = time.time()  # round up below, since RQ cuts fractions of seconds
        wait: Any = ceil(now + outcome.after) - now  # a float works, though the type is int
        return RqRetry(max=mine.meta["attempts"] + 1, interval=[wait])
    return None


class Ours(RqJob):
    """An RQ job that can only call `run`.

    RQ's own class calls any function that is named in a message. A client of Redis could then run
    any code in the worker.
    """

    success_callback = failure_callback = stopped_callback = None

    @property
    def func(self) -> Callable[..., Any]:
        """The function `run`. Raises LookupError if the message names another function."""
        if self.instance is not None or self.func_name != RUN:
            raise LookupError(f"{self.func_name!r} is not a function that may run here")
        return run


class Worker(RqWorker):
    """A worker of the pool. It sends a heartbeat for its job every second."""

    max_connection_wait_time = 1.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        timing = {"job_monitoring_interval": 1, "maintenance_interval": 1, "worker_ttl": 16}
        super().__init__(*arguments, **{**options, **timing})

    def get_heartbeat_ttl(self, job: RqJob, working_time: float = 0.0) -> int:
        """Return the seconds without a heartbeat after which a job counts as abandoned."""
        return ceil(settings().lease_seconds) + 1


def main() -> None:
    chosen = settings()
    load_tasks(chosen.task_modules)
    backend = RqBackend(chosen)
    pool = WorkerPool(
        list(backend.queues),
        connection=backend.connection,
        num_workers=chosen.concurrency,
        worker_class=Worker,
        job_class=Ours,
        serializer=JSONSerializer,
    )
    pool.start(logging_level="WARNING")


if __name__ == "__main__":
    from demo_app.backends.rq_worker import main as start

    start()  # not the main() of `__main__`, so that forked processes find the same classes
