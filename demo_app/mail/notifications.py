"""The mails of the blog.

A Message-ID is derived from the comment, picture or report, not from the time of sending. So a
second delivery of a notification has the same Message-ID, and the inbox shows the mail once.
"""

from html import escape

from demo_app.blog.pictures import Picture
from demo_app.blog.posts import Comment, Post
from demo_app.blog.report import ReportLine, as_csv
from demo_app.mail.message import Attachment, Mail, Mailbox, is_address


def comment_notification(post: Post, comment: Comment, *, sender: Mailbox) -> Mail:
    return Mail(
        sender=sender,
        to=Mailbox(post.author, post.author_email),
        reply_to=Mailbox(comment.author, comment.email) if is_address(comment.email) else None,
        subject=f"{comment.author} commented on “{post.title}”",
        text=f"Hello {post.author},\n\n{comment.author} wrote:\n\n{comment.body}\n",
        html=(
            f"<p>Hello {escape(post.author)},</p>"
            f"<p><b>{escape(comment.author)}</b> wrote about <i>{escape(post.title)}</i>:</p>"
            f'<blockquote style="white-space:pre-wrap">{escape(comment.body)}</blockquote>'
        ),
        message_id=f"<comment.{comment.id}.{comment.created_at * 1000:.0f}@blog.test>",
    )


def picture_thumbnail(picture: Picture, small: bytes, *, sender: Mailbox) -> Mail:
    sentence = f"your picture “{picture.name}” was made small: see the attachment."
    return Mail(
        sender=sender,
        to=Mailbox(picture.owner, picture.owner_email),
        subject=f"Your picture “{picture.name}”",
        text=f"Hello {picture.owner},\n\n{sentence}\n",
        html=f"<p>Hello {escape(picture.owner)},</p><p>{escape(sentence)}</p>",
        message_id=f"<picture.{picture.id}.{picture.uploaded_at * 1000:.0f}@blog.test>",
        attachments=(Attachment(f"small {picture.name[:50]}.jpg", "image/jpeg", small),),
    )


def monthly_report(
    lines: list[ReportLine], month: str, request: str, *, to: Mailbox, sender: Mailbox
) -> Mail:
    """Return a mail with a CSV file: the number of comments on each post in the month.

    Args:
        month: such as ``2026-11``.
        request: an id for the Message-ID, such as the job's id. Each report needs a new id.
    """
    summary = f"{sum(line.comments for line in lines)} comments on {len(lines)} posts in {month}."
    table = Attachment(f"comments-{month}.csv", "text/csv; charset=utf-8", as_csv(lines))
    return Mail(
        sender=sender,
        to=to,
        subject=f"Comments in {month}",
        text=f"Hello {to.name},\n\n{summary}\nThe attachment has a line for each post.\n",
        html=f"<p>Hello {escape(to.name)},</p><p>{summary}</p>",
        message_id=f"<report.{month}.{request}@blog.test>",
        attachments=(table,),
    )
