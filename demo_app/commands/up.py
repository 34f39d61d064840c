"""``up``: start the whole stack and watch over it."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import ValidationError
from typer import BadParameter, Option

from demo_app.commands.phones import host_for_phones, invitation
from demo_app.jobs.backend import known_backends
from demo_app.settings import BackendName, Safeguard, Settings, Transport, complaint
from demo_app.stack import Stack, preflight
from demo_app.stack.client import Client
from demo_app.stack.reaper import MARKER
from demo_app.web.inbox import SLOW

#: For `--show`: two workers, and seconds of a lease that are long enough to watch.
SHOW_WORKERS = 2
SHOW_LEASE = 8.0


class Fsync(StrEnum):
    """When Redis has its log written to the disk."""

    ALWAYS = "always"
    EVERYSEC = "everysec"
    NO = "no"


def up(
    as_json: Annotated[bool, Option("--json", help="for programs: one object a line")] = False,
    folder: Annotated[
        Path | None,
        Option("--dir", envvar="DEMO_DIR", help="where all state lives [default: a temporary one]"),
    ] = None,
    workers: Annotated[int, Option(min=0, metavar="N", help="worker processes")] = 1,
    concurrency: Annotated[
        int, Option(min=1, metavar="N", envvar="DEMO_CONCURRENCY", help="threads in each")
    ] = 4,
    backend: Annotated[
        str,
        Option(
            metavar="NAME",
            envvar="DEMO_BACKEND",
            help=f"who runs the jobs: {', '.join(known_backends())}, or package.module:callable",
        ),
    ] = BackendName.CELERY,
    transport: Annotated[
        Transport,
        Option(envvar="DEMO_TRANSPORT", help="take jobs with claims, or as stock Celery does"),
    ] = Transport.CLAIMS,
    redis_url: Annotated[
        str | None,
        Option(envvar="DEMO_REDIS_URL", help="an external server instead of the bundled one"),
    ] = None,
    appendfsync: Annotated[Fsync, Option(help="when Redis writes its log")] = Fsync.EVERYSEC,
    no_persistence: Annotated[
        bool, Option("--no-persistence", help="Redis keeps nothing on disk")
    ] = False,
    web_port: Annotated[
        int, Option(min=0, max=65535, envvar="DEMO_WEB_PORT", help="0 takes a free one")
    ] = 0,
    inbox_port: Annotated[int, Option(min=0, max=65535, help="0 takes a free one")] = 0,
    smtp_port: Annotated[int, Option(min=0, max=65535, help="0 takes a free one")] = 0,
    no_restart: Annotated[
        bool, Option("--no-restart", help="a worker that dies stays dead")
    ] = False,
    tasks: Annotated[
        list[str] | None,
        Option(metavar="MODULE", envvar="DEMO_TASKS", help="a module with @task [repeatable]"),
    ] = None,
    without: Annotated[
        list[str] | None,
        Option(
            metavar="SAFEGUARD",
            envvar="DEMO_WITHOUT",
            help=f"for experiments: leave out {', '.join(Safeguard)} [repeatable]",
        ),
    ] = None,
    lease: Annotated[
        float | None,
        Option(
            metavar="SECONDS",
            envvar="DEMO_LEASE_SECONDS",
            help="a worker silent for longer is dead [default: 3]",
        ),
    ] = None,
    controls: Annotated[
        bool,
        Option("--controls", envvar="DEMO_CONTROLS", help="pages offer keys that kill processes"),
    ] = False,
    report_deaths: Annotated[
        bool,
        Option("--report-deaths", help="rescue at once from a worker whose death is seen here"),
    ] = False,
    twin: Annotated[
        bool, Option("--twin", help="stock Celery beside this project, on one stage")
    ] = False,
    show: Annotated[
        bool, Option("--show", help="for an audience: two workers, slow enough to watch, controls")
    ] = False,
) -> int:
    """Start the whole stack and watch over it, until Ctrl-C.

    DEMO_* settings hold for all that it starts; an option wins over them.
    """
    if backend not in known_backends() and ":" not in backend:
        known = ", ".join(known_backends())
        raise BadParameter(f"{backend!r} is none of {known}", param_hint="--backend")
    options: dict[str, Any] = {
        "dir": folder,
        "workers": max(workers, SHOW_WORKERS) if show else workers,
        "concurrency": concurrency,
        "backend": backend,
        "transport": transport,
        "redis_url": redis_url,
        "appendfsync": appendfsync,
        "persistence": not no_persistence,
        "web_port": web_port,
        "inbox_port": inbox_port,
        "smtp_port": smtp_port,
        "restart": not no_restart,
        "tasks": _split(tasks),
        "without": _split(without),
        "lease": SHOW_LEASE if show and lease is None else lease,
        "controls": controls or twin or show,
        "report_deaths": report_deaths,
        "twin": twin,
        "token": os.environ.get("DEMO_TOKEN", ""),
        "environment": _other_settings(),
    }
    return _run(options, as_json, show)


def _split(values: list[str] | None) -> tuple[str, ...]:
    """In a variable several have commas between them."""
    return tuple(part.strip() for value in values or () for part in value.split(",") if part)


#: Settings for which there is an option, and what a stack tells its own processes.
_NOT_PASSED_ON = {
    *("DEMO_DIR", "DEMO_CONCURRENCY", "DEMO_BACKEND", "DEMO_TRANSPORT", "DEMO_REDIS_URL"),
    *("DEMO_WEB_PORT", "DEMO_TASKS", "DEMO_WITHOUT", "DEMO_LEASE_SECONDS", "DEMO_CONTROLS"),
    *("DEMO_TOKEN", "DEMO_CONTROL", "DEMO_TWIN_URL", MARKER),
}


def _other_settings() -> dict[str, str]:
    """The DEMO_* settings for which there is no option, for every process of the stack.

    Raises typer's BadParameter for a value that does not fit.
    """
    try:
        Settings()
    except ValidationError as error:
        name, why = complaint(error)
        raise BadParameter(why, param_hint=name) from None
    known = {f"DEMO_{name.upper()}" for name in Settings.model_fields} | {"DEMO_DIE_AT"}
    found = {}
    for name, value in os.environ.items():
        if name in known - _NOT_PASSED_ON:
            found[name] = value
        elif name.startswith("DEMO_") and name not in _NOT_PASSED_ON:
            print(f"There is no setting {name}; it changes nothing.", file=sys.stderr)
    if host := host_for_phones():  # the name by which they ask for the page
        found["DEMO_PUBLIC_HOSTS"] = ",".join(filter(None, (found.get("DEMO_PUBLIC_HOSTS"), host)))
    return found


def _run(options: dict[str, Any], as_json: bool, show: bool) -> int:
    printing = threading.Lock()
    announced = threading.Event()

    def on_event(event: dict[str, Any]) -> None:
        announced.wait()
        with printing, suppress(BrokenPipeError):  # the watch goes on, though nobody reads of it
            print(json.dumps(event) if as_json else _sentence(event), flush=True)

    if options["redis_url"] is not None:
        for warning in preflight.check(options["redis_url"]):
            print(warning, file=sys.stderr)
    try:
        with Stack(on_event, **options) as stack:
            if show:
                with Client(stack.ready) as client:
                    client.set_faults(SLOW)
            told = json.dumps(stack.ready) if as_json else _welcome(stack, show)
            print(told, flush=True)
            announced.set()
            while True:
                # in short stretches: a signal may reach another thread, which wakes nobody, and
                # Python runs its handler only when the main thread goes on
                time.sleep(0.2)
    except KeyboardInterrupt:
        if not as_json:
            print("\nStopped; nothing is left running.")
    finally:
        announced.set()
    return 0


def _sentence(event: dict[str, Any]) -> str:
    if event["event"] == "trouble":
        return f"  {event['role']}: {event['what']}"
    return f"  {event['role']} {event['event']} (pid {event['pid']})"


def _welcome(stack: Stack, show: bool) -> str:
    ready = stack.ready
    token = ready["token"]
    pids = ", ".join(f"{role} {' '.join(map(str, pids))}" for role, pids in ready["pids"].items())
    return "\n".join(
        (
            "Everything runs. Ctrl-C ends it.",
            f"  the blog       {ready['web']}/",
            f"  the stage      {ready['web']}/stage?token={token}",
            *([f"  the show       {ready['web']}/stage?show=four-minutes&token={token}"] * show),
            *([f"  your notes     {ready['web']}/stage/notes?token={token}"] * show),
            f"  the jobs       {ready['web']}/jobs?token={token}",
            f"  the inbox      {ready['inbox']}/?token={token}",
            f"  the processes  {pids}",
            f"  all state in   {ready['dir']}",
            *([invitation(ready["web"])] * show),
        )
    )
