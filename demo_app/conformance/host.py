"""A process that enqueues jobs: the suite calls the backend in this process over a socket.

The suite kills the process. The jobs of a backend without workers run here too.
"""

from __future__ import annotations

from multiprocessing.managers import BaseManager
from pathlib import Path

from demo_app.jobs.backend import backend_named
from demo_app.jobs.task import load_tasks
from demo_app.settings import settings


class Host(BaseManager):
    """A server of this process's backend, on a socket in the stack's folder."""

    def __init__(self, folder: Path) -> None:
        # no secret is needed: only this user can open the folder
        super().__init__(str(folder / "host.sock"), b"")


Host.register("backend", backend_named)


def main() -> None:
    chosen = settings()
    (chosen.dir / "host.sock").unlink(missing_ok=True)  # left by a killed process
    load_tasks(chosen.tasks)
    Host(chosen.dir).get_server().serve_forever()


if __name__ == "__main__":
    main()
