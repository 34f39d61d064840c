"""A process that enqueues jobs: the suite calls the backend in this process over a socket.

Some checks kill this process. A backend without workers also runs its jobs in this process.
"""

from multiprocessing.managers import BaseManager
from pathlib import Path

from demo_app.jobs.backend import backend_named
from demo_app.jobs.task import load_tasks
from demo_app.settings import settings


class Host(BaseManager):
    """The manager that gives access to this process's backend, over a socket in the stack's folder.

    This process is the server; the harness connects to it as a client.
    """

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
