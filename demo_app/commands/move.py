"""``move``: bring the jobs that wait in one backend to another."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo_app.jobs.backend import backend_named
from demo_app.jobs.migrate import migrate
from demo_app.settings import settings
from demo_app.stack import Options, StackError, reaper, redis_server
from demo_app.stack.folder import Folder


def add_to(commands: Any) -> None:
    """Add this command's words to the command line."""
    parser = commands.add_parser(
        "move",
        help="bring the jobs that wait in one backend to another",
        description="Bring the jobs that wait in one backend to another, with their ids: none is "
        "lost, even if this is killed midway; run it again then. Stop the workers of the old "
        "backend first, or a job that they take meanwhile may run twice.",
    )
    add = parser.add_argument
    backends = "celery, rq, huey, or package.module:callable"
    add("--from", dest="source", required=True, help=f"who has the jobs: {backends}")
    add("--to", dest="target", required=True, help="who is to have them")
    add("--dir", type=Path, required=True, help="where the stack keeps its state")
    add("--redis-url", help="an external server instead of the one in that folder")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Move everything, and tell how many jobs that were."""
    if given.source == given.target:
        raise StackError("The jobs are there already: --from and --to name the same backend.")
    with _redis(given.dir, given.redis_url) as url:
        os.environ |= {"DEMO_DIR": str(given.dir.resolve()), "DEMO_REDIS_URL": url}
        settings.cache_clear()
        try:
            source, target = backend_named(given.source), backend_named(given.target)
            moved = Counter(job.queue_name for job in migrate(source, target))
        except (ImportError, ValueError) as error:
            raise StackError(f"{error}.") from None
        source.close()
        target.close()
    told = ", ".join(f"{count:,} of {queue}" for queue, count in moved.items())
    print(f"Moved {moved.total():,} jobs from {given.source} to {given.target}: {told or 'none'}.")
    return 0


@contextmanager
def _redis(folder: Path, url: str | None) -> Iterator[str]:
    """The Redis that has the jobs: the one named, that of a running stack, or its data at rest."""
    if url is not None:
        redis_server.check(url)
        yield url
        return
    socket = redis_server.socket_path(folder.resolve() / "redis")
    if socket.exists() and redis_server.answers(f"redis+socket://{socket}"):
        yield f"redis+socket://{socket}"
        return
    resting = Folder(folder)
    try:
        server, started = redis_server.start(resting.redis, Options(appendfsync="always"))
        with _ended_with_this_command(server):
            yield started
    finally:
        resting.close()


@contextmanager
def _ended_with_this_command(server: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the server afterwards, even if this process is killed before it can."""
    command = [sys.executable, "-E", reaper.__file__, str(uuid.uuid4())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, text=True) as end:
        assert end.stdin is not None
        end.stdin.write(f"+{server.pid}\n")
        end.stdin.flush()
        try:
            yield
        finally:
            server.terminate()
            server.wait()
            end.communicate("bye\n")
