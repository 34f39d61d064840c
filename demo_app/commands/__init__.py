"""The commands of ``python -m demo_app``, one module each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from demo_app.commands import chaos, demo, doctor, move, up
from demo_app.stack.options import StackError

_COMMANDS = (up, demo, chaos, move, doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m demo_app",
        description="A blog whose comments send mail through jobs that survive.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for module in _COMMANDS:
        module.add_to(commands)
    given = parser.parse_args(arguments)
    try:
        return int(given.run(given))
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
