"""`python -m local_smtp`: the sink as a program of its own."""

import argparse
import json
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from local_smtp.settings import Settings

if TYPE_CHECKING:
    from local_smtp.sink import MailSink

_ENVIRONMENT = "MAIL_SINK_"
_PARENT_CHECK = 0.5  # seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sink until SIGTERM or Ctrl-C; return the exit status."""
    options = _parser().parse_args(arguments)
    parent = os.getppid()
    temporary = options.dir is None
    directory = Path(tempfile.mkdtemp(prefix="mail-sink-") if temporary else options.dir)
    settings = Settings(
        directory=directory,
        # hexadecimal: no token begins with a dash, which a command line would take for an option
        token=options.token or secrets.token_hex(16),
        host=options.host,
        smtp_port=options.smtp_port,
        inbox_port=options.inbox_port,
        allowed_hosts=tuple(options.allow_host),
        keep=options.keep,
        starttls=options.starttls,
        credentials=options.auth,
        job_url=options.job_url,
    )
    try:
        return _run(settings, options, parent)
    finally:
        if temporary:
            shutil.rmtree(directory, ignore_errors=True)


def _run(settings: Settings, options: argparse.Namespace, parent: int) -> int:
    from local_smtp.sink import MailSink, SinkError  # --help need not wait for it

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        with MailSink(settings) as sink:
            _announce(sink, as_json=options.json)
            while not options.exit_with_parent or os.getppid() == parent:
                time.sleep(_PARENT_CHECK)
    except SinkError as error:
        print(f"local_smtp: {error}", file=sys.stderr)
        return 1
    return 0


def _end(*_: object) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # ending is under way already
    raise SystemExit(0)


def _announce(sink: "MailSink", as_json: bool) -> None:
    token = sink.settings.token
    directory = str(sink.settings.directory.resolve())
    if as_json:
        ready = {"smtp": sink.smtp, "inbox": sink.inbox, "token": token, "dir": directory}
        print(json.dumps(ready | {"pid": os.getpid()}), flush=True)
        return
    print(f"SMTP   {sink.smtp}", f"Inbox  {sink.inbox}/?token={token}", sep="\n")
    print(f"Mails are kept in {directory}. Ctrl-C ends it.", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_smtp",
        description="A local mail server that delivers nothing: every mail lands in an inbox to"
        " look at, and it can be told to misbehave. It never talks to the network.",
        epilog=f"Each option can also be set in the environment: {_ENVIRONMENT}SMTP_PORT=1025,"
        f" {_ENVIRONMENT}STARTTLS=1, and so on.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    add("--smtp-port", type=_port, default=0, help="0, the default, takes a free one")
    add("--inbox-port", type=_port, default=0, help="0, the default, takes a free one")
    add("--dir", help="where mails are kept (default: a temporary one, deleted at the end)")
    add("--json", action="store_true", help="print one JSON line once everything answers")
    add("--token", type=_token, help="what the inbox asks for (default: a new one each time)")
    add(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name that browsers may call the inbox by; repeatable",
    )
    add(
        "--keep",
        type=_count,
        default=10_000,
        metavar="N",
        help="mails whose content is kept (default: 10000; 0 for all)",
    )
    add("--starttls", action="store_true", help="offer STARTTLS, with a certificate made here")
    add(
        "--auth",
        type=_credentials,
        metavar="USER:PASSWORD",
        help="ask for this login (default: any login will do, and none is needed)",
    )
    add(
        "--job-url",
        type=_job_url,
        metavar="URL",
        help="where a mail's job can be seen, with {id} for the value of its X-Job-Id",
    )
    add("--exit-with-parent", action="store_true", help="end when the process that started it does")
    _take_environment(parser)
    return parser


def _take_environment(parser: argparse.ArgumentParser) -> None:
    """Let the environment set the defaults; argparse checks them like arguments."""
    for action in parser._actions:
        value = os.environ.get(_ENVIRONMENT + action.dest.upper())
        if value is None or action.dest == "help":
            continue
        if isinstance(action.const, bool):
            action.default = value.lower() not in ("", "0", "false", "no")
        elif isinstance(action.default, list):
            action.default = value.split(",")
        else:
            action.default = value


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is no port: 0 to 65535")
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise argparse.ArgumentTypeError("there is no negative number of mails")
    return count


def _token(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._~-]{8,200}", text):
        raise argparse.ArgumentTypeError("a token has 8 to 200 letters, digits, or any of . _ ~ -")
    return text


def _credentials(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(":")
    if not (user and colon):
        raise argparse.ArgumentTypeError("a login looks like USER:PASSWORD")
    return user, password


def _job_url(text: str) -> str:
    if not text.startswith(("http://", "https://")) or "{id}" not in text:
        raise argparse.ArgumentTypeError("it looks like http://127.0.0.1:8000/jobs/{id}")
    return text
