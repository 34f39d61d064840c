"""The command ``up``: starts the whole stack and supervises it."""

import json
import os
import sys
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from typer import BadParameter, Option

from demo_app.commands.from_options import takes_options
from demo_app.rig.reaper import MARKER, ROLE
from demo_app.settings import Settings, complaint, variable
from demo_app.stack import Stack, preflight
from demo_app.stack.client import Client
from demo_app.stack.options import SETTINGS, Options
from demo_app.stage.phones import address_for_phones, host_for_phones
from demo_app.stage.sink import SLOW

#: For `--show`: the minimum number of workers, and the default lease (seconds). An audience has
#: time to watch this lease expire.
SHOW_WORKERS = 2
SHOW_LEASE = 8.0


@takes_options
def up(
    as_json: Annotated[
        bool, Option("--json", help="print one JSON object per line, for programs")
    ] = False,
    show: Annotated[
        bool,
        Option(
            "--show",
            help="for an audience: two workers, slow mails, a long lease, keys that break things",
        ),
    ] = False,
    **given: Any,
) -> int:
    """Start the whole stack and watch over it, until Ctrl-C.

    DEMO_* settings apply to every process of the stack; an option overrides its setting.
    """
    if show:
        given["workers"] = max(given["workers"], SHOW_WORKERS)
        given["lease"] = given["lease"] or SHOW_LEASE
        given["twin"] = given["twin"] or given["redis_url"] is None
    given["controls"] = given["controls"] or given["twin"] or show
    try:
        Options(**given)
    except ValidationError as error:
        name, why = complaint(error)
        hint = f"'--{name.replace('_', '-')}'" if name else None
        raise BadParameter(why, param_hint=hint) from None
    token = os.environ.get("DEMO_TOKEN", "")
    return _run({**given, "token": token, "environment": _other_settings()}, as_json, show)


#: Variables that `_other_settings` leaves out: an option or the stack itself sets them.
_NOT_PASSED_ON = {*map(variable, {*SETTINGS.values(), "control", "twin_url"}), MARKER, ROLE}


def _other_settings() -> dict[str, str]:
    """Return the DEMO_* variables for the stack's processes, except those in `_NOT_PASSED_ON`.

    If the web app listens on all addresses, add this machine's address to DEMO_PUBLIC_HOSTS, for
    the phones of an audience. Print a warning for each unknown DEMO_* variable.

    Raises:
        BadParameter: a value is not valid.
    """
    try:
        Settings()
    except ValidationError as error:
        name, why = complaint(error)
        raise BadParameter(why, param_hint=variable(name)) from None
    known = {*map(variable, Settings.model_fields), "DEMO_DIE_AT"}
    found = {}
    for name, value in os.environ.items():
        if name in known - _NOT_PASSED_ON:
            found[name] = value
        elif name.startswith("DEMO_") and name not in _NOT_PASSED_ON:
            print(f"There is no setting {name}; it changes nothing.", file=sys.stderr)
    if host := host_for_phones():  # the blog must accept requests to this address
        found["DEMO_PUBLIC_HOSTS"] = ",".join(filter(None, (found.get("DEMO_PUBLIC_HOSTS"), host)))
    return found


def _run(options: dict[str, Any], as_json: bool, show: bool) -> int:
    events: SimpleQueue[dict[str, Any]] = SimpleQueue()  # printed after the stack's first line
    if options["redis_url"] is not None and (warning := preflight.check(options["redis_url"])):
        print(warning, file=sys.stderr)
    try:
        with Stack(events.put, **options) as stack:
            if show:
                with Client(stack.ready) as client:
                    client.set_faults(SLOW)
            line = json.dumps(stack.ready) if as_json else _welcome(stack, show)
            print(line, flush=True)
            while True:
                with suppress(Empty, BrokenPipeError):  # the pipe's reader has exited; keep running
                    # Keep the wait short: if another thread receives a signal, Python runs the
                    # signal's handler in the main thread only after this wait.
                    event = events.get(timeout=0.2)
                    print(json.dumps(event) if as_json else _sentence(event), flush=True)
    except KeyboardInterrupt:
        if not as_json:
            print("\nStopped; nothing is left running.")
    return 0


def _sentence(event: dict[str, Any]) -> str:
    if event["event"] == "trouble":
        return f"  {event['role']}: {event['what']}"
    return f"  {event['role']} {event['event']} (pid {event['pid']})"


def _welcome(stack: Stack, show: bool) -> str:
    ready = stack.ready
    web, token = ready["web"], f"token={ready['token']}"
    rows = {"the blog": f"{web}/", "the stage": f"{web}/stage?{token}"}
    if show:
        phones = address_for_phones(urlsplit(web).port)
        rows |= {
            "the show": f"{web}/stage?show=four-minutes&{token}",
            "your notes": f"{web}/stage/notes?{token}",
            "for phones": f"{phones} (the show begins with its QR code)"
            if phones
            else "only with DEMO_WEB_HOST=0.0.0.0 (the show then begins with a QR code)",
        }
    rows |= {
        "the jobs": f"{web}/jobs?{token}",
        "the inbox": f"{ready['inbox']}/?{token}",
        "the processes": ", ".join(
            f"{role} {' '.join(map(str, pids))}" for role, pids in ready["pids"].items()
        ),
        "all state in": ready["dir"],
    }
    lines = [f"  {name:14} {where}" for name, where in rows.items()]
    return "\n".join(["Everything runs. Ctrl-C ends it.", *lines])
