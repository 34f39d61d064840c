"""``move``: bring the jobs that wait in one backend to another."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from typer import BadParameter, Option

from demo_app.jobs.backend import backend_named
from demo_app.jobs.migrate import migrate
from demo_app.settings import settings
from demo_app.stack import Options, StackError
from demo_app.stack.folder import Folder
from demo_app.stack.preflight import check
from demo_app.stack.redis_server import answers, running, socket_path


def move(
    source: Annotated[
        str,
        Option("--from", metavar="NAME", help="the backend that has the jobs, such as celery"),
    ],
    target: Annotated[str, Option("--to", metavar="NAME", help="the backend to move them to")],
    folder: Annotated[Path, Option("--dir", help="where the stack keeps its state")],
    redis_url: Annotated[
        str | None, Option(help="an external server instead of the one in that folder")
    ] = None,
) -> int:
    """Bring the jobs that wait in one backend to another.

    They keep their ids, and none is lost, even if this is killed midway; run it again then. Stop
    the workers of the old backend first, or a job that they take meanwhile may run twice.
    """
    if source == target:
        raise BadParameter(
            "--from names the same backend, and the jobs are there already", param_hint="--to"
        )
    with _redis(folder, redis_url) as url:
        os.environ |= {"DEMO_DIR": str(folder.resolve()), "DEMO_REDIS_URL": url}
        settings.cache_clear()
        try:
            old, new = backend_named(source), backend_named(target)
            moved = Counter(job.queue_name for job in migrate(old, new))
        except (ImportError, ValueError) as error:
            raise StackError(f"{error}.") from None
        old.close()
        new.close()
    counts = ", ".join(f"{count:,} of {queue}" for queue, count in moved.items())
    print(f"Moved {moved.total():,} jobs from {source} to {target}: {counts or 'none'}.")
    return 0


@contextmanager
def _redis(folder: Path, url: str | None) -> Iterator[str]:
    """The Redis that has the jobs: the one named, that of a running stack, or its data at rest."""
    if url is not None:
        check(url)
        yield url
        return
    socket = socket_path(folder.resolve() / "redis")
    if socket.exists() and answers(f"redis+socket://{socket}"):
        yield f"redis+socket://{socket}"
        return
    resting = Folder(folder)
    try:
        with running(resting.redis, Options(appendfsync="always")) as started:
            yield started
    finally:
        resting.close()
