from dataclasses import replace

import pytest

from demo_app.blog.pictures import Picture
from demo_app.blog.posts import Comment, Post
from demo_app.blog.report import ReportLine
from demo_app.mail import notifications
from demo_app.mail.message import Attachment, Mailbox

BLOG = Mailbox("The blog", "blog@blog.test")
POST = Post(1, "First <in>, first out", "A queue.", "Akiko", "akiko@blog.test")


def a_comment(**changes) -> Comment:
    fields = {"id": 7, "post_id": 1, "author": "Reader", "email": "reader@example.test"}
    fields |= {"body": "Well said.", "created_at": 1_000_000.5, "job_id": "j"}
    return Comment(**{**fields, **changes})


def test_a_notification_goes_to_the_author_and_an_answer_to_the_reader():
    mail = notifications.comment_notification(POST, a_comment(), sender=BLOG)
    assert mail.to == Mailbox("Akiko", "akiko@blog.test")
    assert mail.reply_to == Mailbox("Reader", "reader@example.test")
    assert "Well said." in mail.text


def test_a_reader_s_text_is_escaped():
    comment = a_comment(author="<b>Mallory</b>", body="<script>alert(1)</script>")
    mail = notifications.comment_notification(POST, comment, sender=BLOG)
    assert "<script>" not in mail.html
    assert "&lt;script&gt;" in mail.html
    assert "First &lt;in&gt;" in mail.html
    assert "<b>Mallory" not in mail.html


def test_the_message_id_is_the_comments_own():
    first = notifications.comment_notification(POST, a_comment(), sender=BLOG)
    again = notifications.comment_notification(POST, a_comment(), sender=BLOG)
    other = notifications.comment_notification(POST, a_comment(id=8), sender=BLOG)
    assert first.message_id == again.message_id != other.message_id


def test_a_thumbnail_goes_to_the_owner_as_an_attachment():
    picture = Picture(1, "<cat>.png", "Akiko", "akiko@blog.test", 5.0, b"")
    mail = notifications.picture_thumbnail(picture, b"jpeg", sender=BLOG)
    assert mail.attachments == (Attachment("small <cat>.png.jpg", "image/jpeg", b"jpeg"),)
    assert "<cat>" not in mail.html
    mail = notifications.picture_thumbnail(replace(picture, name="c" * 80), b"", sender=BLOG)
    assert b"c.jpg\r\n" in mail.to_bytes()  # not only a cut name


def test_a_report_counts_what_its_file_lists():
    lines = [ReportLine(1, "One", "Akiko", 2, 1), ReportLine(2, "Two", "Björn", 0, 0)]
    editor = Mailbox("A", "a@b.test")
    mail = notifications.monthly_report(lines, "2026-11", "r", to=editor, sender=BLOG)
    assert "2 comments on 2 posts in 2026-11" in mail.text
    assert mail.attachments[0].name == "comments-2026-11.csv"
    assert mail.attachments[0].content.count(b"\r\n") == 3
    assert mail.message_id == "<report.2026-11.r@blog.test>"


@pytest.mark.parametrize("address", [f"{'x' * 65}@blog.test", "nobody", "a@b..c"])
def test_a_stored_comment_with_a_bad_address_is_mailed(address):
    """A stored comment may have an address that an older form accepted and the mailer refuses."""
    mail = notifications.comment_notification(POST, a_comment(email=address), sender=BLOG)
    assert mail.reply_to is None
    assert b"Reply-To" not in mail.to_bytes()
