"""``python -m demo_app``: start the stack, see the story, check this machine."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn


def main() -> int:
    """Run the command line, until it is done or a signal ends it; returns the exit status."""
    try:
        import fcntl  # noqa: F401 - as every Unix has, and Windows has not
    except ImportError:
        return _refuse("This needs Linux or macOS. On Windows, run it in WSL: `wsl --install`.")
    for number in _ends():
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup(1)
            signal.signal(number, _end)
    try:
        from demo_app.startup import garbage_collection_paused

        with garbage_collection_paused():
            from demo_app.commands import main as run
    except ModuleNotFoundError as error:
        return _refuse(
            f"{error.name} is missing: install jobs-that-survive[demo], not it alone. "
            "With uv, in this folder: `uv sync --all-extras`."
        )
    except KeyboardInterrupt:
        return 130
    return run()


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _ends() -> tuple[int, ...]:
    return signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def _end(*_: object) -> NoReturn:
    for number in _ends():  # a second Ctrl-C must not disturb the cleaning up
        signal.signal(number, lambda *_: None)
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
