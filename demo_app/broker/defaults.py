"""What an app gets that uses this broker and says nothing else: late acknowledgement."""

from __future__ import annotations

from typing import Any

from .connection import client_url

#: Celery acknowledges a job before it runs, and one whose process was killed as well. A job that is
#: to survive has to be acknowledged when it has ended. An app, or a task, may say False itself.
DEFAULTS = ("task_acks_late", "task_reject_on_worker_lost")
#: RedBeat keeps its keys where the broker is, unless the app says where, and knows no claims+.
REDBEAT = "redbeat_redis_url"


def is_chosen(conf: Any) -> bool:
    """Whether an app with this configuration uses the broker of this package."""
    url = conf.broker_read_url or conf.broker_url or ""
    urls = [url] if isinstance(url, str) else list(url)
    named = str(conf.broker_transport or "")
    return named.startswith(str(__package__)) or any(one.startswith("claims") for one in urls)


def set_defaults(app: Any) -> None:
    """Acknowledge late, unless the app or a task says otherwise.

    Called when an app is finalized, which binds its tasks before or after this, in no order; and
    when its worker starts, for the app may have been told of its broker only then.
    """
    if not is_chosen(app.conf):
        return
    said = app.conf.maps[:-1]  # the last one has Celery's own defaults
    app.conf.update({name: True for name in DEFAULTS if not any(name in one for one in said)})
    url = f"{app.conf.broker_url}".partition(";")[0].removeprefix("claims+")
    if not url.startswith(("claims", "sentinel")) and not any(REDBEAT in one for one in said):
        app.conf.update({REDBEAT: client_url(url)})
    for task in app._tasks.values():
        for name in DEFAULTS:
            if app.conf[name] and _left_to_the_app(type(task), name.removeprefix("task_")):
                setattr(task, name.removeprefix("task_"), True)


def early_tasks(app: Any) -> str:
    """The app's own tasks that are acknowledged before they run, by name."""
    early = [name for name, task in app.tasks.items() if not task.acks_late]
    return ", ".join(sorted(name for name in early if not name.startswith("celery.")))


def _left_to_the_app(task: type[Any], attribute: str) -> bool:
    """Whether the task itself says nothing of it, and was bound while the app said nothing yet.

    What a task says is in its class from the beginning; what the app says comes after the mark that
    `Task.bind` leaves first.
    """
    names = list(vars(task))
    if not {attribute, "__bound__"} <= set(names):
        return False
    return names.index(attribute) > names.index("__bound__")
