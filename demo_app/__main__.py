"""The command line: ``python -m demo_app``."""

import sys

if sys.argv[1:2] == ["judge"] and not sys.flags.safe_path:
    # a module in the current folder must not shadow an import of the judge
    _here = sys.path.pop(0)
    # the folder of a checkout contains demo_app itself, so it must stay in sys.path, at the end
    if __file__.rpartition("/demo_app/")[0] == _here:
        sys.path.append(_here)

import signal
from typing import NoReturn


def main() -> int:
    try:
        import fcntl  # noqa: F401 - Windows does not have it
    except ImportError:
        sys.exit("This needs Linux or macOS. On Windows, run it in WSL: `wsl --install`.")
    from demo_app.rig.uninterruptible import ENDS

    def end(*_: object) -> NoReturn:
        for number in ENDS:  # a second Ctrl-C must not interrupt the clean-up
            signal.signal(number, lambda *_: None)
        raise KeyboardInterrupt

    for number in ENDS:  # under nohup(1), SIGHUP stays ignored
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end)
    try:
        from demo_app.startup import garbage_collection_paused

        with garbage_collection_paused():
            from demo_app.commands import main as run
    except ModuleNotFoundError as error:
        sys.exit(
            f"{error.name} is missing. After `make`, use `.venv/bin/python -m demo_app`. "
            "Without make, install jobs-that-survive[demo], or run `uv sync --all-extras`."
        )
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    raise SystemExit(main())
