"""The Celery app: its settings and its tasks."""

from __future__ import annotations

from typing import Any

from celery import Celery
from kombu import Queue

from demo_app.broker.transport import broker_url
from demo_app.jobs.registry import all_tasks, load_tasks
from demo_app.settings import Settings, settings
from demo_app.worker.run import limit, run
from demo_app.worker.shutdown import Shutdown


def make_app(chosen: Settings) -> Celery:
    """The Celery app for these settings, with every known task registered."""
    made = Celery("demo_app", set_as_current=False)
    made.conf.update(
        broker_url=broker_url(chosen.redis_url),
        broker_use_ssl={} if chosen.redis_url.startswith("rediss://") else None,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        task_queues=[Queue(name) for name in chosen.queues],
        task_default_queue=chosen.queues[0],
        task_acks_late=True,
        task_ignore_result=True,
        worker_pool="threads",
        worker_concurrency=chosen.concurrency,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_enable_prefetch_count_reduction=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    load_tasks(["demo_app.tasks", *chosen.tasks])
    for name in all_tasks():
        made.task(name=name, bind=True)(_run_claimed)
    return made


def _run_claimed(self: Any, **_arguments: Any) -> str:
    return run(self.request.properties["delivery_tag"])


#: Connects itself to Celery's signals, and does nothing unless this process becomes a worker.
shutdown = Shutdown(settings(), limit)
