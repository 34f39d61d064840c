"""The default settings of an app on this broker: late acknowledgement, and RedBeat's URL."""

from collections import ChainMap
from typing import Any

from .connection import client_url

#: Settings that are True with this broker, unless the app or a task sets False: a job is
#: acknowledged when it has ended, and not when its process is killed. Celery's defaults are False.
DEFAULTS = ("task_acks_late", "task_reject_on_worker_lost")
#: By default RedBeat uses the broker's URL, but RedBeat does not know the scheme `claims+`.
REDBEAT = "redbeat_redis_url"


def uses_this_broker(conf: Any) -> bool:
    """Return True if an app with this configuration uses this broker."""
    named = [str(conf.broker_transport or ""), *_urls(conf)]
    return any(one.startswith(("claims", str(__package__))) for one in named)


def _urls(conf: Any) -> list[str]:
    url = conf.broker_read_url or conf.broker_url or ""
    return url.split(";") if isinstance(url, str) else list(url)


def set_defaults(app: Any) -> None:
    """Set late acknowledgement and RedBeat's URL if the app uses this broker.

    Values that the app or a task sets are kept. This function runs when an app is finalized,
    before or after its tasks are bound. It runs again when the app's worker starts, since an app
    may get its URL after it was finalized.
    """
    if not uses_this_broker(app.conf):
        return
    chosen = ChainMap(*app.conf.maps[:-1])  # the last map has Celery's own defaults
    app.conf.update({name: True for name in DEFAULTS if name not in chosen})
    url = _urls(app.conf)[0].removeprefix("claims+")
    if url and not url.startswith(("claims", "sentinel")) and REDBEAT not in chosen:
        app.conf.update({REDBEAT: client_url(url)})
    for task in app._tasks.values():
        for name in DEFAULTS:
            if app.conf[name] and _is_copied_from_app(type(task), name.removeprefix("task_")):
                setattr(task, name.removeprefix("task_"), True)


def early_tasks(app: Any) -> str:
    """Return the app's tasks that are acknowledged before they run, separated by commas."""
    early = [name for name, task in app.tasks.items() if not task.acks_late]
    return ", ".join(sorted(name for name in early if not name.startswith("celery.")))


def _is_copied_from_app(task: type[Any], attribute: str) -> bool:
    """Return True if the attribute was copied from the app's settings when the task was bound.

    `Task.bind` sets `__bound__` and then copies settings, so copied attributes come after
    `__bound__` in the class, and attributes from the app's code come before it.
    """
    names = [name for name in vars(task) if name in (attribute, "__bound__")]
    return names == ["__bound__", attribute]
