"""What a comment must be, and what happens when one is accepted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from starlette.background import BackgroundTask

from demo_app.blog import outbox, posts
from demo_app.blog.database import Database
from demo_app.blog.posts import Comment, NoSuchPost
from demo_app.blog.relay import Relay
from demo_app.jobs.backend import Backend
from demo_app.jobs.job import Job
from demo_app.jobs.task import Task
from demo_app.mail.message import is_address
from demo_app.web.problems import Refused
from demo_app.web.request_log import request_id

MAX_BODY = 10_000
MAX_AUTHOR = 200
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(slots=True)
class Desk:
    """Where comments are handed in.

    backend: who is to run the jobs; the stage of a teaching stack may change it.
    relay: hands the outbox over to the configured backend, whatever `backend` is at the moment.
    used: the names of the backends that were given jobs so far.
    """

    database: Database
    backend: Backend
    relay: Relay
    notify: Task[[int], None]
    use_outbox: bool = True
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.used.add(self.backend.name)

    def accept(
        self, post_id: int, author: str, email: str, body: str, *, first: bool = True
    ) -> Comment:
        """Store a comment, and see to it that its job will run; neither its mail nor the queue is
        waited for (but by the backend that runs jobs in the request).

        first: whether it is the request's only comment, whose job may bear the request's id.
        Raises Refused, with nothing stored.
        """
        author, email = author.strip(), email.strip()
        _check(author, email, body)
        try:
            comment, job = posts.add_comment(
                self.database,
                post_id,
                author,
                email,
                body,
                notify=self.notify,
                keep_job=self.use_outbox,
                job_id=request_id() if first else None,
            )
        except NoSuchPost:
            raise Refused(404, "no_post", id=post_id) from None
        self.dispatch(job)
        return comment

    def dispatch(self, job: Job) -> None:
        """See to it that a job runs that was just written into the outbox, if that is in use.

        The relay hands it over; a backend without outbox, or one that runs jobs in the request,
        gets it here and now.
        """
        if not self.use_outbox:
            self.backend.enqueue(job)
        elif self.backend.in_request:
            self.backend.enqueue(job)
            outbox.remove_job(self.database, job.id)

    def after_answer(self) -> BackgroundTask:
        """What the answer to a reader brings with it, and what runs once that is sent: the relay
        is woken. (Should it never run, the relay looks by itself each second.)"""
        return BackgroundTask(self._wake_relay)

    async def _wake_relay(self) -> None:
        self.relay.wake()


def _check(author: str, email: str, body: str) -> None:
    if len(body) > MAX_BODY:
        raise Refused(413, "long_body", most=f"{MAX_BODY:,}", given=f"{len(body):,}")
    if not author:
        raise Refused(422, "no_author")
    if len(author) > MAX_AUTHOR:
        raise Refused(422, "long_author", most=MAX_AUTHOR)
    if not body.strip():
        raise Refused(422, "no_body")
    if not is_address(email):  # what the mailer would refuse
        raise Refused(422, "no_address")
    if _LONE_SURROGATE.search(author + body):
        raise Refused(422, "half")
