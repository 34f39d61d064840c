"""``up``: start the whole stack and watch over it."""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from demo_app.settings import BackendName, Safeguard, Transport
from demo_app.stack import Stack


def add_to(commands: Any) -> None:
    """Add this command's words to the command line."""
    parser = commands.add_parser(
        "up",
        help="start the whole stack, until Ctrl-C",
        description="Start Redis, the mail sink, the web app and the workers, and watch over them.",
    )
    parser.add_argument("--json", action="store_true", help="tell programs: one object a line")
    add_stack_options(parser)
    parser.set_defaults(run=run)


def add_stack_options(parser: argparse.ArgumentParser) -> None:
    """The options that describe a stack."""
    add = parser.add_argument
    add("--dir", type=Path, help="where all state lives (default: a temporary folder)")
    add("--workers", type=int, default=1, metavar="N", help="worker processes (default: 1)")
    add("--concurrency", type=int, default=4, metavar="N", help="threads in each (default: 4)")
    add(
        "--backend",
        default=BackendName.CELERY,
        help="inline, memory, celery, rq, huey, or package.module:callable for one of your own",
    )
    add(
        "--transport",
        type=Transport,
        choices=list(Transport),
        default=Transport.CLAIMS,
        help="how the Celery worker takes jobs: with claims, or as stock Celery does",
    )
    add("--redis-url", help="an external server instead of the bundled one")
    add("--appendfsync", choices=["always", "everysec", "no"], default="everysec")
    add("--no-persistence", dest="persistence", action="store_false", help="Redis keeps nothing")
    add("--web-port", type=int, default=0, help="0, the default, takes a free port")
    add("--inbox-port", type=int, default=0)
    add("--smtp-port", type=int, default=0)
    add("--no-restart", dest="restart", action="store_false", help="a dead worker stays dead")
    add("--tasks", action="append", default=[], metavar="MODULE", help="a module with @task")
    add(
        "--without",
        action="append",
        default=[],
        type=Safeguard,
        choices=list(Safeguard),
        help="leave a safeguard out, for an experiment (repeatable)",
    )


def stack_options(given: argparse.Namespace) -> dict[str, Any]:
    """The options for `Stack`."""
    names = (
        "dir workers concurrency backend transport redis_url appendfsync persistence "
        "web_port inbox_port smtp_port restart"
    )
    options = {name: getattr(given, name) for name in names.split()}
    return {**options, "tasks": tuple(given.tasks), "without": frozenset(given.without)}


def run(given: argparse.Namespace) -> int:
    """Run the stack until SIGTERM or Ctrl-C."""
    told = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal told
        if not told:  # a second Ctrl-C must not disturb the cleaning up
            told = True
            raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    printing = threading.Lock()
    announced = threading.Event()

    def tell(event: dict[str, Any]) -> None:
        announced.wait()
        with printing:
            print(json.dumps(event) if given.json else _words(event), flush=True)

    try:
        with Stack(tell, **stack_options(given)) as stack:
            print(json.dumps(stack.ready) if given.json else _welcome(stack), flush=True)
            announced.set()
            while True:
                # in short stretches: a signal may reach another thread, which wakes nobody, and
                # Python runs its handler only when the main thread goes on
                time.sleep(0.2)
    except KeyboardInterrupt:
        if not given.json:
            print("\nStopped; nothing is left running.")
    finally:
        announced.set()
    return 0


def _words(event: dict[str, Any]) -> str:
    if event["event"] == "trouble":
        return f"  {event['role']}: {event['what']}"
    return f"  {event['role']} {event['event']} (pid {event['pid']})"


def _welcome(stack: Stack) -> str:
    ready = stack.ready
    token = ready["token"]
    pids = ", ".join(f"{role} {' '.join(map(str, pids))}" for role, pids in ready["pids"].items())
    return "\n".join(
        (
            "Everything runs. Ctrl-C ends it.",
            f"  the blog       {ready['web']}/",
            f"  the jobs       {ready['web']}/jobs?token={token}",
            f"  the inbox      {ready['inbox']}/?token={token}",
            f"  the processes  {pids}",
            f"  all state in   {ready['dir']}",
        )
    )
