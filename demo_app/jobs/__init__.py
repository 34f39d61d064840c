"""The job layer: declare a job once, and run it on any backend.

Names follow DEP 14 (``django.tasks``), Django's standard for background tasks, and Rails' Active
Job where DEP 14 has no name.
"""

from demo_app.jobs.arguments import ArgumentError
from demo_app.jobs.capabilities import Capabilities, Unsupported
from demo_app.jobs.context import checkpoint, current, note
from demo_app.jobs.job import Job
from demo_app.jobs.result import TaskError, TaskResult, TaskResultStatus
from demo_app.jobs.retries import discard_on, retry_on
from demo_app.jobs.task import Task, enqueue_many, load_tasks, task

__all__ = [
    "ArgumentError",
    "Capabilities",
    "Job",
    "Task",
    "TaskError",
    "TaskResult",
    "TaskResultStatus",
    "Unsupported",
    "checkpoint",
    "current",
    "discard_on",
    "enqueue_many",
    "load_tasks",
    "note",
    "retry_on",
    "task",
]
