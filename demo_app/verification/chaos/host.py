"""A stack in a process of its own, so that its supervisor can be killed too.

``python -m demo_app.verification.chaos.host OPTIONS`` with the options of `Stack` as JSON. Like
``up --json`` it prints where everything is, then each process that dies or is started. The end of
standard input ends the stack.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from demo_app.stack import Stack


def main() -> None:
    """Run the stack until standard input ends."""
    printing = threading.Lock()
    announced = threading.Event()

    def say(what: dict[str, Any]) -> None:
        with printing:
            print(json.dumps(what), flush=True)

    def on_event(event: dict[str, Any]) -> None:
        announced.wait()
        say(event)

    try:
        with Stack(on_event, **json.loads(sys.argv[1])) as stack:
            say({**stack.ready, "environment": stack.plan.environment()})
            announced.set()
            sys.stdin.read()
    finally:
        announced.set()


if __name__ == "__main__":
    main()
