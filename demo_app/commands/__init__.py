"""The commands of ``python -m demo_app``, one module each."""

import os
import sys
from collections.abc import Sequence

import typer

from demo_app.commands.demo import demo
from demo_app.commands.doctor import doctor
from demo_app.commands.judge import judge
from demo_app.commands.up import up
from demo_app.stack import StackError

app = typer.Typer(
    help="A blog whose comments send mail through jobs that survive.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (up, demo, judge, doctor):
    app.command()(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status (2 for an invalid command line)."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # some terminals can't show all text
        stream.reconfigure(errors="replace")
    try:
        program = typer.main.get_command(app)
        status = program.main(arguments, prog_name="python -m demo_app", standalone_mode=False)
        print(end="", flush=True)
    except typer.TyperException as error:
        sentence = " ".join(error.format_message().split())
        print(sentence.replace("Value error, ", ""), file=sys.stderr)
        return error.exit_code
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # the pipe's reader has exited, as in `doctor | head`
        # without this, Python would flush stdout at exit, fail, and print an error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return int(status or 0)
