"""For who runs an app on this broker: what is unsafe in its settings, its jobs to another broker
and back, and the length and age of its queues."""

from __future__ import annotations

import argparse
import re
import socket
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server

from celery.app.utils import find_app
from celery.utils.imports import cwd_in_path

from .defaults import early_tasks, is_chosen, set_defaults
from .events import State
from .exposition import CONTENT_TYPE, Number, exposition
from .migrate import migrate
from .options import Options
from .queue import Queue
from .rights import refusal

#: Clients of the metrics that are answered at once.
_CLIENTS = 64
_LOOPBACK = ("localhost", "127.0.0.1")
_AT_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1)(:\d+)?", re.IGNORECASE)


def _queue_of(channel: Any) -> Queue:
    queue: Queue = channel.in_flight.queue
    return queue


def unsafe(app: Any, options: Options, redis: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What loses, doubles or holds up jobs: each setting's name, and what it does.

    options: the app's, for the broker. redis: what INFO says of the server.
    """
    conf, tasks = app.conf, app.tasks.values()
    if early := early_tasks(app):
        yield "acks_late", f"a kill loses the job of a task that is acknowledged first: {early}"
    late = [one for one in tasks if one.acks_late and not one.reject_on_worker_lost]
    if named := ", ".join(sorted(one.name for one in late)):
        yield "reject_on_worker_lost", f"the job of a killed process counts as done: {named}"
    if not conf.worker_prefetch_multiplier:
        yield "worker_prefetch_multiplier", "0 lets one worker take all that waits"
    if conf.worker_pool in ("gevent", "eventlet"):
        yield "worker_pool", f"{conf.worker_pool} is refused: the heartbeat is a thread"
    if conf.task_protocol == 1:
        yield "task_protocol", "jobs of protocol 1 have no history, and poison comes back"
    if conf.worker_cancel_long_running_tasks_on_connection_loss:
        yield "worker_cancel_long_running_tasks_on_connection_loss", "a broken line doubles jobs"
    bases = {base.__module__.partition(".")[0] for one in tasks for base in type(one).__mro__}
    if "celery_singleton" in bases and not conf.get("singleton_backend_url"):
        yield "singleton_backend_url", "celery-singleton needs it: redis://, without claims+"
    if options.lease_seconds < 3 * options.heartbeat_seconds:
        yield "lease_seconds", "shorter than three heartbeats: a late one makes a live worker dead"
    if int(str(redis["redis_version"]).partition(".")[0]) < 7:
        yield "Redis", f"{redis['redis_version']} does not know the commands of version 7"
    if not redis["aof_enabled"]:
        yield "appendonly", "without it, what was accepted is lost with Redis' process"
    if redis["maxmemory"] and redis["maxmemory_policy"] != "noeviction":
        yield "maxmemory-policy", f"{redis['maxmemory_policy']} throws jobs away"


def doctor(app: Any, _: argparse.Namespace) -> int:
    """What is unsafe in this app's settings, by name; exit status 1 when anything is."""
    if not is_chosen(app.conf):
        print("broker_url: does not lead to this broker; it begins with claims+")
        return 1
    with app.connection_for_read() as connection:
        queue = _queue_of(connection.default_channel)
        if lacks := refusal(queue.client, queue.keys.prefix):
            print(f"Redis: {lacks}")
            return 1
        info: Any = queue.client.info()
    found = list(unsafe(app, queue.options, info))
    print("\n".join(f"{name}: {why}" for name, why in found) or "Nothing is unsafe.")
    return 1 if found else 0


def _numbers(app: Any) -> Iterator[Number]:
    """The state of every queue, worker and job."""
    with app.connection_for_read() as connection:
        seen = _queue_of(connection.default_channel).snapshot(most=1, whole=1)
    found = seen.queues()
    yield "claims_queue_length", "queue", {one.name: one.size for one in found}
    yield "claims_queue_age_seconds", "queue", {one.name: round(one.latency, 3) for one in found}
    yield "claims_jobs", "state", {state.value: seen.count[state] for state in State}
    yield "claims_workers", "state", {"alive": seen.alive, "silent": len(seen.workers) - seen.alive}


class _Server(ThreadingMixIn, WSGIServer):
    """Answers each client in a thread of its own, and drops the oldest of too many clients: those
    who send nothing must not keep the others from their answers."""

    daemon_threads = True
    request_queue_size = _CLIENTS

    def __init__(self, *args: Any, **options: Any) -> None:
        self._newest: deque[socket.socket] = deque()
        super().__init__(*args, **options)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin with the next client."""
        self._newest.append(request)
        if len(self._newest) > _CLIENTS:
            with suppress(OSError):  # it has had its answer, as nearly always
                self._newest.popleft().shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)


def _escaped(text: str) -> str:
    """Return text for a terminal, without control characters: a queue may have any name."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def metrics(app: Any, asked: argparse.Namespace) -> int:
    """Print the length of each queue, the age of its next job, and the jobs of each state."""
    if asked.port is None:
        text = exposition(_numbers(app))
        print(_escaped(text) if sys.stdout.isatty() else text, end="")
        return 0

    def page(request: dict[str, Any], start: Any) -> list[bytes]:
        name = request.get("HTTP_HOST", "")
        # a page of another site, whose name leads here by now, is not to read the numbers
        if asked.host in _LOOPBACK and not _AT_LOOPBACK.fullmatch(name):
            start("421 Misdirected Request", [("Content-Type", "text/plain")])
            return [b"The metrics go by the names localhost and 127.0.0.1.\n"]
        start("200 OK", [("Content-Type", CONTENT_TYPE)])
        return [exposition(_numbers(app)).encode()]

    with make_server(asked.host, asked.port, page, _Server) as server:
        print(f"http://{asked.host}:{server.server_port}/metrics", flush=True)
        server.serve_forever()
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and do it; returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for command in (doctor, migrate, metrics):
        made = commands.add_parser(command.__name__, help=command.__doc__)
        made.add_argument("-A", "--app", required=True, help="as in celery -A")
        made.set_defaults(command=command)
        if command is migrate:
            made.add_argument("source", help="the address of the broker that has the jobs")
            made.add_argument("target", help="the address of the one that is to have them")
        if command is metrics:
            made.add_argument("--port", type=int, help="answer Prometheus here; 0: a free one")
            made.add_argument("--host", default="127.0.0.1")
    asked = parser.parse_args(arguments)
    with cwd_in_path():
        app = find_app(asked.app)
        app.finalize()
        set_defaults(app)
        status: int = asked.command(app, asked)
    return status


if __name__ == "__main__":
    sys.exit(main())
