"""The services that pages and API calls use, as FastAPI dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from demo_app.broker.queue import Queue
from demo_app.settings import settings
from demo_app.web.comments import CommentService
from demo_app.web.delivery import Locator
from demo_app.web.errors import DomainError
from demo_app.web.inbox import Inbox
from demo_app.web.journal import Feed
from demo_app.web.rate_limit import RateLimit


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one web app.

    queue: the queue in Redis; None when the backend keeps its jobs elsewhere. rate_limit: of
    comments.
    """

    comments: CommentService
    queue: Queue | None
    inbox: Inbox
    locator: Locator
    rate_limit: RateLimit
    feed: Feed


# Both are coroutines, which FastAPI calls at once; a function would wait for a thread.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


async def _queue(services: ServicesDep) -> Queue:
    if services.queue is None:
        raise DomainError(409, "no_list", backend=settings().backend)
    return services.queue


#: The queue; an error 409 when the backend keeps no list of its jobs.
QueueDep = Annotated[Queue, Depends(_queue)]
