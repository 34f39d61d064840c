"""``python -m demo_app``: start the stack, see the story, check this machine."""

from __future__ import annotations

import signal
from typing import NoReturn

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the command line, until it is done or a signal ends it; returns the exit status."""
    for number in _ENDS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup(1)
            signal.signal(number, _end)
    try:
        from demo_app.commands import main as run

        return run()
    except KeyboardInterrupt:  # before the command began
        return 130


def _end(*_: object) -> NoReturn:
    for number in _ENDS:  # a second Ctrl-C must not disturb the cleaning up
        signal.signal(number, lambda *_: None)
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
