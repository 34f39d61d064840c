"""A process that puts jobs in, as the suite asks it to: the suite calls its backend, and gets what
that returns or raises.

It is killed in the course of the suite; for a backend without workers of its own it is also
where the jobs run.
"""

from __future__ import annotations

from multiprocessing.managers import BaseManager
from pathlib import Path

from demo_app.jobs.backend import backend_named
from demo_app.jobs.task import load_tasks
from demo_app.settings import settings


class Host(BaseManager):
    """The process whose socket is in the stack's folder; `backend` is the one that it has."""

    def __init__(self, folder: Path) -> None:
        # no secret is needed: nobody else reaches the folder
        super().__init__(str(folder / "host.sock"), b"")


Host.register("backend", backend_named)


def main() -> None:
    """Answer until the suite has gone."""
    chosen = settings()
    (chosen.dir / "host.sock").unlink(missing_ok=True)  # of one that was killed
    load_tasks(chosen.tasks)
    Host(chosen.dir).get_server().serve_forever()


if __name__ == "__main__":
    main()
