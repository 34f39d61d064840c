"""A process that puts jobs in, as the suite asks it to: the name of a method of the backend and its
arguments come by a socket, and what it returns or raises goes back.

It is killed in the course of the suite; for a backend without workers of its own it is also
where the jobs run.
"""

from __future__ import annotations

from multiprocessing.connection import Listener
from pathlib import Path

from demo_app.jobs.backend import backend_named
from demo_app.jobs.task import load_tasks
from demo_app.settings import settings


def address(folder: Path) -> Path:
    """The socket, in the stack's folder."""
    return folder / "host.sock"


def main() -> None:
    """Answer until the suite has gone."""
    socket = address(settings().dir)
    socket.unlink(missing_ok=True)  # of one that was killed
    load_tasks(settings().tasks)
    backend = backend_named()
    with Listener(str(socket), "AF_UNIX") as listener, listener.accept() as suite:
        while True:
            try:
                method, arguments = suite.recv()
            except EOFError:
                break
            try:
                suite.send(getattr(backend, method)(*arguments))
            except Exception as error:
                suite.send(error)
    backend.close()


if __name__ == "__main__":
    main()
