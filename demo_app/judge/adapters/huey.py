"""Huey on Redis, with a consumer of one worker.

Its guide, "Retrying tasks that fail"; a task is off the queue before it runs.
"""

from __future__ import annotations

from typing import Any

from huey import RedisHuey

from demo_app.judge.role import Role, run_job

ROLE = Role.mine()
app = RedisHuey("judged", url=ROLE.url, results=False)


@app.task(retries=3, context=True)
def work(job: str, task: Any = None) -> None:
    """The task."""
    run_job(ROLE, job, task.id)


def producer() -> Any:
    return work


def worker() -> None:
    ROLE.log("works")
    app.create_consumer(workers=1, worker_type="thread").run()
