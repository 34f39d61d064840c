"""Run the mail sink as a program: `python -m local_smtp`."""

import gc
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_settings import CliApp

from local_smtp.settings import Settings

if TYPE_CHECKING:
    from local_smtp.sink import MailSink


def main(arguments: list[str] | None = None) -> int:
    """Run a sink until SIGTERM, Ctrl-C or the end of its terminal.

    Returns:
        The exit status: 0 after a signal, 1 if the sink could not start or nobody reads its output,
        2 if a setting is not valid.
    """
    try:
        settings = CliApp.run(Settings, arguments)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            option = "--" + "-".join(str(part) for part in problem["loc"][:1]).replace("_", "-")
            print(f"local_smtp: {option}: {problem['msg']}", file=sys.stderr)
        return 2
    gc.disable()  # imports create no garbage, and collecting takes time
    from local_smtp.shared.resources import ResourceError
    from local_smtp.sink import MailSink  # imported late: --help does not need it

    ends = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # under nohup(1)
        ends.remove(signal.SIGHUP)
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # for all threads; `sigwait` receives them
    try:
        with MailSink(settings) as sink:
            gc.freeze()  # no later collection has to examine the imported objects
            gc.enable()
            _announce(sink)
            signal.sigwait(ends)
        return 0
    except ResourceError as error:
        print(f"local_smtp: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the pipe's reader has exited
        # at exit, Python flushes standard output, which must not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _announce(sink: "MailSink") -> None:
    if sink.settings.ready_line:
        ready = {"smtp": sink.smtp, "inbox": sink.inbox, "token": sink.settings.token}
        print(json.dumps({**ready, "dir": str(sink.dir), "pid": os.getpid()}), flush=True)
        return
    print(f"SMTP   {sink.smtp}", f"Inbox  {sink.page}", sep="\n")
    print(f"Mails are kept in {sink.dir}. Ctrl-C ends it.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
