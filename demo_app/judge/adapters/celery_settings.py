"""Celery apps with different settings. Each app is named after its settings.

https://docs.celeryq.dev/en/stable/userguide/configuration.html
"""

from typing import Any

from celery import Celery


def _app(**settings: Any) -> Celery:
    made = Celery("tasks")
    made.conf.update(settings)
    return made


#: As in Celery's tutorial: only the broker's address is set.
tutorial = _app()
acks_late = _app(task_acks_late=True)
reject_on_worker_lost = _app(task_acks_late=True, task_reject_on_worker_lost=True)
prefetch_1 = _app(task_acks_late=True, worker_prefetch_multiplier=1)
#: With a visibility timeout of 5 s instead of an hour. Kombu looks for expired messages every
#: second instead of every 100 s.
visibility_timeout_5 = _app(
    task_acks_late=True,
    broker_transport_options={
        "visibility_timeout": 5,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
)
#: Late acknowledgement with a prefetch of one, as in Celery's guide (see the link), and
#: `task_reject_on_worker_lost`, which also requeues the job of a killed child process.
#: https://docs.celeryq.dev/en/stable/userguide/optimizing.html#reserve-one-task-at-a-time
advised = _app(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)
