"""The default settings of an app on this broker: late acknowledgement."""

from __future__ import annotations

from typing import Any

from .connection import client_url

#: By default Celery acknowledges a job before it runs, and also if its process was killed. With
#: this broker a job is acknowledged when it has ended. An app or a task may set False.
DEFAULTS = ("task_acks_late", "task_reject_on_worker_lost")
#: RedBeat uses the broker's URL unless this is set, and does not know `claims+`.
REDBEAT = "redbeat_redis_url"


def is_chosen(conf: Any) -> bool:
    """Return True if an app with this configuration uses this broker."""
    url = conf.broker_read_url or conf.broker_url or ""
    urls = [url] if isinstance(url, str) else list(url)
    named = str(conf.broker_transport or "")
    return named.startswith(str(__package__)) or any(one.startswith("claims") for one in urls)


def set_defaults(app: Any) -> None:
    """Set late acknowledgement, unless the app or a task has its own setting.

    Runs when an app is finalized, before or after its tasks are bound, and again when its worker
    starts: an app may learn its broker's URL only then.
    """
    if not is_chosen(app.conf):
        return
    chosen = app.conf.maps[:-1]  # the last map has Celery's own defaults
    app.conf.update({name: True for name in DEFAULTS if not any(name in one for one in chosen)})
    url = f"{app.conf.broker_url}".partition(";")[0].removeprefix("claims+")
    if not url.startswith(("claims", "sentinel")) and not any(REDBEAT in one for one in chosen):
        app.conf.update({REDBEAT: client_url(url)})
    for task in app._tasks.values():
        for name in DEFAULTS:
            if app.conf[name] and _left_to_the_app(type(task), name.removeprefix("task_")):
                setattr(task, name.removeprefix("task_"), True)


def early_tasks(app: Any) -> str:
    """Return the names of the app's tasks that are acknowledged before they run."""
    early = [name for name, task in app.tasks.items() if not task.acks_late]
    return ", ".join(sorted(name for name in early if not name.startswith("celery.")))


def _left_to_the_app(task: type[Any], attribute: str) -> bool:
    """Return True if the attribute was copied from the app's settings when the task was bound.

    `Task.bind` sets `__bound__` and then copies settings, so copied attributes come after
    `__bound__` in the class, and attributes from the app's code come before it.
    """
    names = list(vars(task))
    if not {attribute, "__bound__"} <= set(names):
        return False
    return names.index(attribute) > names.index("__bound__")
