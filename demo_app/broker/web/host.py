"""The interface between the pages and the web app that serves them."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Protocol

from fastapi import Depends, Request

from ..queue import Queue
from ..snapshot import Snapshot
from .errors import DomainError
from .feed import Feed
from .periodic import PeriodicTask


class Host(Protocol):
    """The source of the jobs for the pages, in `app.state.host`."""

    @property
    def queue(self) -> Queue | None:
        """The queue in Redis; None if the jobs are not in Redis, and only their number is known."""

    @property
    def feed(self) -> Feed:
        """The stream of all changes in the states of jobs."""

    @property
    def backend_name(self) -> str:
        """The name of the backend that runs the jobs."""

    def snapshot(self, limit: int = 0, with_history: int = 0, ids: Sequence[str] = ()) -> Snapshot:
        """Return the state of all jobs; see `Queue.snapshot`."""

    def tasks(self) -> Iterable[str]:
        """Return the names of the tasks."""

    def periodic(self) -> Sequence[PeriodicTask]:
        """Return the tasks that are enqueued by a schedule."""


# A coroutine: FastAPI would run a plain function in a thread pool, which may be exhausted.
async def host_of(request: Request) -> Host:
    host: Host = request.app.state.host
    return host


HostDep = Annotated[Host, Depends(host_of)]


def _queue(host: HostDep) -> Queue:
    queue = host.queue  # may connect to Redis: a coroutine would block the event loop
    if queue is None:
        raise DomainError(409, "no_list", backend=host.backend_name)
    return queue


#: The host's queue. Raises DomainError (409) if the jobs are not in Redis and so can't be listed.
QueueDep = Annotated[Queue, Depends(_queue)]
