"""The demo app's jobs. None of them knows who runs it."""

from __future__ import annotations

from functools import cache

from demo_app.blog import pictures, posts
from demo_app.blog.database import Database
from demo_app.blog.pictures import BadPicture, Picture
from demo_app.blog.report import month_of_comments
from demo_app.jobs import Context, by_reference, discard_on, retry_on, task
from demo_app.mail import notifications
from demo_app.mail.delivery import MailDeferred, MailRefused, deliver
from demo_app.mail.message import BadAddress, Mailbox
from demo_app.settings import settings


class Gone(LookupError):
    """What the job is about was deleted meanwhile."""


@task(queue_name="mail")
@discard_on(Gone, BadAddress)
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
    deliver(notifications.comment_notification(post, comment, sender=_sender()))


@task
@discard_on(BadPicture, BadAddress)
@retry_on(MailRefused, attempts=1)
@retry_on(MailDeferred, attempts=25, first=0.5, longest=600.0)
def mail_thumbnail(picture: Picture) -> None:
    """Make an uploaded picture small, and mail it to its owner."""
    small = pictures.thumbnail(picture.content)
    deliver(notifications.picture_thumbnail(picture, small, sender=_sender()))


@task(takes_context=True)
@discard_on(BadAddress)
@retry_on(MailRefused, ValueError, attempts=1)
@retry_on(MailDeferred, attempts=25, first=0.5, longest=600.0)
def mail_monthly_report(context: Context, year: int, month: int, name: str, address: str) -> None:
    """Aggregate a month's comments to CSV, and mail them to somebody."""
    lines = month_of_comments(_database(), year, month)
    to, which = Mailbox(name, address), f"{year}-{month:02}"
    deliver(notifications.monthly_report(lines, which, context.job.id, to=to, sender=_sender()))


def _sender() -> Mailbox:
    return Mailbox.parse(settings().sender)


@cache
def _database() -> Database:
    return Database(settings().database)


def _picture(picture_id: int) -> Picture | None:
    return pictures.picture(_database(), picture_id)


by_reference(Picture, _picture)
