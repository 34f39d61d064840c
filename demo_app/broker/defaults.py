"""What an app gets that uses this broker and says nothing else: late acknowledgement."""

from __future__ import annotations

from typing import Any

#: Celery acknowledges a job before it runs, and one whose process was killed as well. A job that is
#: to survive has to be acknowledged when it has ended. An app, or a task, may say False itself.
DEFAULTS = ("task_acks_late", "task_reject_on_worker_lost")


def is_chosen(conf: Any) -> bool:
    """Whether an app with this configuration uses the broker of this package."""
    url = conf.broker_read_url or conf.broker_url or ""
    urls = [url] if isinstance(url, str) else list(url)
    named = str(conf.broker_transport or "")
    return "demo_app.broker" in named or any(one.startswith("claims") for one in urls)


def set_defaults(app: Any) -> None:
    """Before an app's tasks are bound: acknowledge late, unless the app says otherwise."""
    if is_chosen(app.conf):
        said = app.conf.maps[:-1]  # the last one has Celery's own defaults
        app.conf.update({name: True for name in DEFAULTS if not any(name in one for one in said)})
