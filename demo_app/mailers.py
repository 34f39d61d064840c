"""What each mail says.

A Message-ID comes from what the mail is about, not from the moment of sending: a second delivery
of the same notification carries the same one, and an inbox that knows it shows the mail once.
"""

from __future__ import annotations

from html import escape

from demo_app.blog.posts import Comment, Post
from demo_app.mail import Mail, Mailbox

DOMAIN = "blog.test"


def comment_notification(post: Post, comment: Comment, *, sender: Mailbox) -> Mail:
    """Tells a post's author that somebody commented on it."""
    return Mail(
        sender=sender,
        to=Mailbox(post.author, post.author_email),
        reply_to=Mailbox(comment.author, comment.email),
        subject=f"{comment.author} commented on “{post.title}”",
        text=f"Hello {post.author},\n\n{comment.author} wrote:\n\n{comment.body}\n",
        html=(
            f"<p>Hello {escape(post.author)},</p>"
            f"<p><b>{escape(comment.author)}</b> wrote about <i>{escape(post.title)}</i>:</p>"
            f'<blockquote style="white-space:pre-wrap">{escape(comment.body)}</blockquote>'
        ),
        message_id=f"<comment.{comment.id}.{comment.created_at * 1000:.0f}@{DOMAIN}>",
    )
