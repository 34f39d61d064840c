"""The jobs of the author's page, which are not only mail: a small picture, a table of comments."""

from __future__ import annotations

from demo_app.blog import pictures
from demo_app.blog.pictures import BadPicture, PicturesBusy
from demo_app.blog.report import month_of_comments
from demo_app.jobs import current, discard_on, retry_on, task
from demo_app.mail import notifications
from demo_app.mail.delivery import deliver
from demo_app.mail.message import Mailbox
from demo_app.tasks import GIVE_UP, NotFound, blog, sender, sends_mail


@task
@sends_mail
@discard_on(BadPicture)
@retry_on(PicturesBusy, first=0.5, longest=10.0, within=GIVE_UP)
def mail_thumbnail(picture_id: int) -> None:
    """Make an uploaded picture small, and mail it to its owner."""
    picture = pictures.picture(blog(), picture_id)
    if picture is None:
        raise NotFound(f"there is no picture {picture_id}")
    small = pictures.thumbnail(picture.content)
    deliver(notifications.picture_thumbnail(picture, small, sender=sender()))


@task
@sends_mail
@retry_on(ValueError, attempts=1)
def mail_monthly_report(year: int, month: int, name: str, address: str) -> None:
    """Aggregate a month's comments to CSV, and mail them to somebody."""
    lines, context = month_of_comments(blog(), year, month), current()
    to, which = Mailbox(name, address), f"{year}-{month:02}"
    request = context.job.id if context else ""
    deliver(notifications.monthly_report(lines, which, request, to=to, sender=sender()))
