"""The demo app's jobs. None of them knows who runs it."""

from __future__ import annotations

from functools import cache

from demo_app import mailers
from demo_app.blog import posts
from demo_app.blog.database import Database
from demo_app.delivery import MailDeferred, MailRefused, deliver
from demo_app.jobs import discard_on, retry_on, task
from demo_app.mail import Mailbox
from demo_app.settings import settings


class Gone(LookupError):
    """What the job is about was deleted meanwhile."""


@task(queue_name="mail")
@discard_on(Gone)
@retry_on(MailRefused, attempts=1)
@retry_on(MailDeferred, attempts=25, first=0.5, longest=600.0)
def notify_author(comment_id: int) -> None:
    """Mail a post's author that there is a new comment."""
    comment = posts.comment(_database(), comment_id)
    if comment is None:
        raise Gone(f"the comment {comment_id} is not there any more")
    post = posts.post(_database(), comment.post_id)
    if post is None:
        raise Gone(f"the post {comment.post_id} is not there any more")
    deliver(mailers.comment_notification(post, comment, sender=Mailbox.parse(settings().sender)))


@cache
def _database() -> Database:
    return Database(settings().database)
