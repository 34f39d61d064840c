"""``move``: bring the jobs that wait in one backend to another.

Each job is put into the target, with its id, before the source deletes it. A process that is killed
in between leaves it in both; the next run hands it over again, and a target that takes an id
once has it once. So a job is never lost, and runs twice at the worst.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from typer import BadParameter, Option

from demo_app.jobs.backend import Backend, make_backend
from demo_app.jobs.capabilities import Death, Unsupported
from demo_app.jobs.job import Job
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
            old, new = (make_backend(name, settings()) for name in (source, target))
            moved = Counter(job.queue_name for job in migrate(old, new))
        except (ImportError, ValueError) as error:
            raise StackError(f"{error}.") from None
        old.close()
        new.close()
    counts = ", ".join(f"{count:,} of {queue}" for queue, count in moved.items())
    print(f"Moved {moved.total():,} jobs from {source} to {target}: {counts or 'none'}.")
    return 0


def migrate(source: Backend, target: Backend) -> Iterator[Job]:
    """Move every job that waits; gives each after it was moved.

    Raises Unsupported, and leaves in the source what was not moved yet, when the source's jobs
    can't be had, when the target would lose them with this process, or can't do what one asks
    for.
    """
    if Death.ENQUEUER not in target.capabilities.survives:
        raise Unsupported(
            f"the backend {target.name!r} keeps its jobs in the process that puts them in: "
            "what is moved there would end with this command"
        )
    for job in source.pending():
        target.enqueue(job)
        source.delete(job)
        yield job


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
