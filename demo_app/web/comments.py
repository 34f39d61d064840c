"""The service that accepts comments: it stores each comment, and stores or enqueues the job."""

import re
from dataclasses import dataclass

from starlette.background import BackgroundTask

from demo_app.blog import outbox, posts
from demo_app.blog.database import Database
from demo_app.blog.posts import Comment, KeyTaken, NoSuchPost
from demo_app.blog.relay import Relay
from demo_app.broker.web.errors import DomainError
from demo_app.jobs.backend import Backend
from demo_app.jobs.task import Task
from demo_app.mail.message import is_address

MAX_BODY = 10_000
MAX_AUTHOR = 200
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Route:
    """The route of a comment's job: the backend, reached through the outbox or directly."""

    backend: Backend
    use_outbox: bool


class CommentService:
    """The service that accepts comments.

    Attributes:
        relay: hands the outbox over to the configured backend, even if `route` has another backend.
        route: the present route. The stage may replace the whole object, so that a comment uses
            either the old or the new route.
        used: the backends of all routes so far, by name.
    """

    def __init__(
        self, database: Database, relay: Relay, notify: Task[[int], None], route: Route
    ) -> None:
        self.database, self.relay, self._notify = database, relay, notify
        self.used: dict[str, Backend] = {}
        self.use(route)

    def use(self, route: Route) -> None:
        self.used[route.backend.name] = route.backend
        self.route = route

    @property
    def backend(self) -> Backend:
        return self.route.backend

    def accept(self, post_id: int, author: str, email: str, body: str, *, key: str = "") -> Comment:
        """Store a comment, and enqueue its job or leave it in the outbox for the relay.

        The call waits for the mail only if the backend runs jobs in the request, and for the queue
        only if the job does not go through the outbox.

        Args:
            key: an idempotency key, or "". A repeated comment with the same key is stored once.

        Raises:
            DomainError: the comment is not accepted; nothing is stored.
            the backend's error: the job could not be enqueued in this call. The comment remains
                stored.
        """
        route = self.route
        author, email = author.strip(), email.strip()
        _check(author, email, body)
        try:
            comment, job = posts.add_comment(
                self.database,
                post_id,
                author,
                email,
                body,
                notify=self._notify,
                keep_job=route.use_outbox,
                key=key,
            )
        except KeyTaken:
            raise DomainError(422, "key_taken") from None
        except NoSuchPost:
            raise DomainError(404, "no_post", id=post_id) from None
        if route.backend.in_request or not route.use_outbox:  # the relay enqueues all other jobs
            route.backend.enqueue(job)
            if route.use_outbox:
                rows = outbox.rows_by_job_id(self.database, [job.id])
                outbox.remove(self.database, list(rows.values()))
        return comment

    def after_answer(self) -> BackgroundTask:
        """Return a task that wakes the relay after the response.

        If the task never runs, the relay polls the outbox anyway, once a second.
        """
        return BackgroundTask(self._wake_relay)

    async def _wake_relay(self) -> None:
        self.relay.wake()


def _check(author: str, email: str, body: str) -> None:
    """Raise DomainError if a field is empty, too long, or not valid in a mail.

    If an error concerns one field, the field's name follows the underscore of the error's key, as
    in "no_email".
    """
    if len(body) > MAX_BODY:
        raise DomainError(413, "long_body", limit=f"{MAX_BODY:,}", given=f"{len(body):,}")
    if not author:
        raise DomainError(422, "no_author")
    if len(author) > MAX_AUTHOR:
        raise DomainError(422, "long_author", limit=MAX_AUTHOR)
    if not body.strip():
        raise DomainError(422, "no_body")
    if not is_address(email):
        raise DomainError(422, "no_email")
    if _LONE_SURROGATE.search(author + body):
        raise DomainError(422, "surrogate")
