"""The services that pages and API calls use, as FastAPI dependencies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from demo_app.broker.queue import Queue
from demo_app.broker.snapshot import Snapshot
from demo_app.broker.web.feed import Feed
from demo_app.broker.web.host import host_of
from demo_app.broker.web.periodic import PeriodicTask
from demo_app.jobs.task import all_tasks
from demo_app.web.comments import CommentService
from demo_app.web.delivery import Locator
from demo_app.web.inbox import Inbox
from demo_app.web.rate_limit import RateLimit
from demo_app.web.snapshot import take


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one web app. This object is the `Host` of the pages about jobs.

    Attributes:
        queue: the queue in Redis, or None if the jobs are not in Redis.
        rate_limit: the limit of comments.
    """

    comments: CommentService
    queue: Queue | None
    inbox: Inbox
    locator: Locator
    rate_limit: RateLimit
    feed: Feed

    @property
    def backend_name(self) -> str:
        return self.comments.backend.name

    def snapshot(self, limit: int = 0, with_history: int = 0, ids: Sequence[str] = ()) -> Snapshot:
        return take(self.queue, self.comments.backend, limit, with_history, ids)

    def tasks(self) -> Iterable[str]:
        return all_tasks()

    def periodic(self) -> Sequence[PeriodicTask]:
        return ()


ServicesDep = Annotated[Services, Depends(host_of)]
