"""The demo app's tasks."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import ParamSpec, TypeVar

from demo_app.blog import pictures, posts
from demo_app.blog.database import Database, DatabaseDown, DatabaseMissing
from demo_app.blog.identity import AnotherBlog, open_blog
from demo_app.blog.pictures import BadPicture
from demo_app.blog.report import month_of_comments
from demo_app.jobs import discard_on, retry_on, task
from demo_app.jobs.context import current
from demo_app.mail import notifications
from demo_app.mail.connection import MailDeferred, MailRefused, MailServerAway
from demo_app.mail.delivery import deliver
from demo_app.mail.message import BadAddress, Mail, Mailbox
from demo_app.settings import settings

P = ParamSpec("P")
R = TypeVar("R")
#: Seconds until a mail is given up. RFC 5321, section 4.5.4.1, asks for at least 4 to 5 days.
GIVE_UP = 5 * 24 * 3600.0
#: The longest wait between two tries, in seconds.
LONGEST_WAIT = 3600.0


class NotFound(LookupError):
    """The job's comment, post or picture is not in the database, for example during a restore."""


def sends_mail(function: Callable[P, R]) -> Callable[P, R]:
    """Add the retry policies of every task that sends a mail."""
    patiently = partial(retry_on, first=0.5, longest=LONGEST_WAIT, jitter=0.2, within=GIVE_UP)
    for policy in (
        retry_on(NotFound, attempts=6),
        retry_on(MailRefused, BadAddress, AnotherBlog, attempts=1),
        patiently(MailDeferred),
        patiently(MailServerAway, DatabaseDown, DatabaseMissing, outage=True),
    ):
        function = policy(function)
    return function


@task(queue_name="mail")
@sends_mail
def notify_author(comment_id: int) -> None:
    """Send a post's author a mail about a new comment."""
    deliver(_notification(comment_id))


@task(queue_name="mail")
@sends_mail
def notify_author_again(comment_id: int) -> None:
    """Send a post's author the mail once more, for the comparison on the stage.

    The Message-ID differs from that of `notify_author`, so that the inbox shows both mails.
    """
    mail = _notification(comment_id)
    deliver(replace(mail, message_id=mail.message_id.replace("<", "<stock.", 1)))


def _notification(comment_id: int) -> Mail:
    comment = posts.comment(blog(), comment_id)
    if comment is None:
        raise NotFound(f"there is no comment {comment_id}")
    post = posts.post(blog(), comment.post_id)
    if post is None:
        raise NotFound(f"there is no post {comment.post_id}")
    return notifications.comment_notification(post, comment, sender=sender())


@task
@sends_mail
@discard_on(BadPicture)
def mail_thumbnail(picture_id: int) -> None:
    """Mail a picture's thumbnail to its owner."""
    picture = pictures.picture(blog(), picture_id)
    if picture is None:
        raise NotFound(f"there is no picture {picture_id}")
    small = pictures.thumbnail(picture.content)
    deliver(notifications.picture_thumbnail(picture, small, sender=sender()))


@task
@sends_mail
@retry_on(ValueError, attempts=1)
def mail_monthly_report(year: int, month: int, name: str, address: str) -> None:
    """Mail a CSV file with the number of comments on each post in a month."""
    lines, context = month_of_comments(blog(), year, month), current()
    to, which = Mailbox(name, address), f"{year}-{month:02}"
    request = context.job.id if context else ""
    deliver(notifications.monthly_report(lines, which, request, to=to, sender=sender()))


def sender() -> Mailbox:
    return Mailbox.parse(settings().sender)


def blog() -> Database:
    """Return the blog's database.

    Raises:
        AnotherBlog: the running job belongs to another blog.
        DatabaseMissing: the database does not exist yet, or can't be used. Other causes: the jobs
            in the queue belong to another blog, or the id of the jobs' blog can't be read.
    """
    database, context = _opened(), current()
    if context and context.job.owner not in ("", database.id):
        raise AnotherBlog(f"the job belongs to the blog {context.job.owner}, not {database.id}")
    return database


@cache
def _opened() -> Database:
    return open_blog(settings())
