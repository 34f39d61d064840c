"""Check an app on this broker, move its jobs to or from another broker, show metrics and jobs."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.app.utils import find_app
from celery.exceptions import ImproperlyConfigured
from celery.utils.imports import cwd_in_path
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError, RedisError, TimeoutError

from .defaults import early_tasks, set_defaults, uses_this_broker
from .exposition import exposition, metrics_of
from .migrate import migrate
from .queue import Queue
from .rights import refusal

#: The types of some keys of the broker. If such a key has another type, another program uses it.
KEYS = {"workers": "set", "leases": "hash", "counters": "hash", "journal": "stream", "done": "zset"}


@contextmanager
def _queue_of(app: Any) -> Iterator[Queue]:
    if not uses_this_broker(app.conf):
        sys.exit("broker_url: not a URL of this broker; such a URL begins with claims+")
    with app.connection_for_read() as connection:
        yield connection.default_channel.in_flight.queue


def unsafe(app: Any, queue: Queue) -> Iterator[tuple[str, str]]:
    """Yield each setting that may lose, duplicate or delay jobs, with the reason."""
    conf, tasks, options = app.conf, app.tasks.values(), queue.options
    redis: Any = queue.client.info()
    if early := early_tasks(app):
        yield "acks_late", f"acknowledged before they run, so a kill loses the job: {early}"
    late = [one for one in tasks if one.acks_late and not one.reject_on_worker_lost]
    if named := ", ".join(sorted(one.name for one in late)):
        yield "reject_on_worker_lost", f"a job counts as done when its process is killed: {named}"
    if not conf.worker_prefetch_multiplier:
        yield "worker_prefetch_multiplier", "0 lets one worker take all waiting jobs"
    if conf.worker_pool in ("gevent", "eventlet"):
        yield "worker_pool", f"{conf.worker_pool} is refused: the heartbeat is a thread"
    if conf.task_protocol == 1:
        yield "task_protocol", "jobs of protocol 1 have no history, and poison is not detected"
    if conf.worker_cancel_long_running_tasks_on_connection_loss:
        yield "worker_cancel_long_running_tasks_on_connection_loss", "it duplicates running jobs"
    bases = {base.__module__.partition(".")[0] for one in tasks for base in type(one).__mro__}
    if "celery_singleton" in bases and not conf.get("singleton_backend_url"):
        yield "singleton_backend_url", "celery-singleton needs it: redis://, without claims+"
    if options.lease_seconds < 3 * options.heartbeat_seconds:
        yield "lease_seconds", "shorter than three heartbeats: one late beat kills a live worker"
    if int(str(redis["redis_version"]).partition(".")[0]) < 7:
        yield "Redis", f"{redis['redis_version']} is too old: the broker needs version 7"
    if not redis["aof_enabled"]:
        yield "appendonly", "jobs are lost when Redis is killed: run CONFIG SET appendonly yes"
    if redis["maxmemory"] and redis["maxmemory_policy"] != "noeviction":
        yield "maxmemory-policy", f"{redis['maxmemory_policy']} deletes jobs; use noeviction"
    for name, kind in KEYS.items():
        key = queue.keys(name)
        found: Any = queue.client.type(key)
        if found not in (kind, "none"):
            yield key, f"another program uses this key ({found}); set global_keyprefix"


def doctor(app: Any, _: argparse.Namespace) -> int:
    """Print unsafe settings of this app with the reasons; exit with 1 if there are any."""
    with _queue_of(app) as queue:
        if lacks := refusal(queue.client, queue.keys.prefix):
            print(f"Redis: {lacks}")
            return 1
        found = list(unsafe(app, queue))
    print("\n".join(f"{name}: {why}" for name, why in found) or "Nothing is unsafe.")
    return 1 if found else 0


def _escaped(text: str) -> str:
    """Escape control characters, which the name of a queue may contain, for a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def metrics(app: Any, _: argparse.Namespace) -> int:
    """Print each queue's length and latency, and the number of jobs in each state."""
    with _queue_of(app) as queue:
        seen = queue.snapshot(limit=1, with_history=1)
    text = exposition(metrics_of(seen))
    print(_escaped(text) if sys.stdout.isatty() else text, end="")
    return 0


def web(app: Any, options: argparse.Namespace) -> int:
    """Serve the dashboard of the queues, jobs and workers, and print its address."""
    try:
        from .web.serve import serve
        from .web.shared.resources import ResourceError
    except ModuleNotFoundError as error:
        sys.exit(f"The dashboard needs {error.name}: pip install 'celery-claims[web]'")
    try:
        serve(app, options.host, options.port, options.token)
    except (ImproperlyConfigured, ResourceError) as error:
        sys.exit(f"{error}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for command in (doctor, migrate, metrics, web):
        made = commands.add_parser(command.__name__, help=command.__doc__)
        made.add_argument("-A", "--app", required=True, help="as in celery -A")
        made.set_defaults(command=command)
        if command is migrate:
            made.add_argument("source", help="URL of the broker that has the jobs")
            made.add_argument("target", help="URL of the broker to move them to")
        if command is web:
            made.add_argument("--host", default="127.0.0.1", help="the address to listen on")
            made.add_argument("--port", type=int, default=0, help="0, the default: a free one")
            made.add_argument("--token", default="", help="opens the pages; default: a new one")
    options = parser.parse_args(arguments)
    with cwd_in_path():
        try:
            app = find_app(options.app)
        except (ImportError, AttributeError) as error:
            parser.error(f"there is no Celery app {options.app!r} in this folder: {error}")
        app.finalize()
        set_defaults(app)
        try:
            status: int = options.command(app, options)
        except (OperationalError, ConnectionError, TimeoutError) as error:
            sys.exit(f"The broker can't be reached: {error}")
        except RedisError as error:
            sys.exit(f"Redis refuses: {error}")
        except (ValueError, LookupError, ImportError) as error:  # a wrong URL, transport or option
            sys.exit(f"{error}")
    return status


if __name__ == "__main__":
    sys.exit(main())
