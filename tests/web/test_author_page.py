"""The author's page: a picture is made small and the month's comments become a table, by jobs that
end in a mail to the author."""

from __future__ import annotations

from email import message_from_bytes, policy
from io import BytesIO

import httpx
import pytest
from blog.sample import a_picture
from PIL import Image
from support import until


def upload(reader: httpx.Client, content: bytes) -> httpx.Response:
    return reader.post("/authors/Björn/picture", files={"file": ("写真.png", content)})


def wait_for(reader: httpx.Client, asked: httpx.Response, place: str) -> str:
    """Follow the answer, and look at the page until it says so."""
    assert asked.status_code == 303
    page = asked.url.join(asked.headers["location"])
    return until(
        lambda: text if f'class="travel {place}"' in (text := reader.get(page).text) else None,
        what=f"a page that says {place}",
    )


def mailed(client, subject: str):
    """The one file in the mail of that subject."""
    mail = next(one for one in client.mails()["messages"] if subject in one["subject"])
    raw = client.inbox.get(f"/api/messages/{mail['id']}/raw")
    parsed = message_from_bytes(raw.content, policy=policy.SMTP)
    assert parsed["To"].addresses[0].addr_spec == "bjoern@blog.test"
    (file,) = parsed.iter_attachments()
    return file


def test_a_post_leads_to_its_authors_page(reader):
    assert 'href="../authors/Bj%C3%B6rn"' in reader.get("/posts/2").text

    page = reader.get("/authors/Björn").text

    assert 'href="../posts/2"' in page
    assert "Make it small" in page
    assert "縮小する" in reader.get("/authors/Björn?lang=ja").text


def test_an_address_that_asks_for_something_else_is_wrong_and_no_bug(reader):
    assert reader.get("/authors/Björn?job=x&what=pictures").status_code == 422


def test_a_picture_is_mailed_to_the_author_small(reader, client):
    wait_for(reader, upload(reader, a_picture()), "delivered")

    file = mailed(client, "写真.png")

    assert Image.open(BytesIO(file.get_content())).size == (320, 240)


def test_the_months_comments_are_mailed_to_the_author_as_a_table(reader, client):
    client.comment(2, author="Mia", email="m@example.test", body="Well said.")

    wait_for(reader, reader.post("/authors/Björn/report"), "delivered")

    lines = mailed(client, "Comments in").get_content().lstrip("\ufeff").splitlines()
    assert lines[2].startswith('2,"First in, first out",Björn,')


def test_a_file_that_is_no_picture_ends_as_discarded_after_another_was_delivered(reader):
    wait_for(reader, upload(reader, a_picture()), "delivered")

    page = wait_for(reader, upload(reader, b"MZ"), "discarded")

    assert "the file is no picture" in page


def test_a_reader_may_ask_for_twenty_jobs_at_once_and_others_may_go_on(reader, stack):
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=stack.ready["web"], transport=elsewhere) as other:
        answers = [other.post("/authors/Björn/report").status_code for _ in range(25)]

        assert answers[:20] == [303] * 20
        assert 429 in answers[20:]
        comment = {"author": "Reader", "email": "r@example.test", "body": "Well said."}
        assert other.post("/api/posts/2/comments", json=comment).status_code == 201
    assert upload(reader, b"MZ").status_code == 303


def test_a_job_that_nobody_knows_is_told_as_lost(reader):
    assert 'class="travel lost"' in reader.get("/authors/Björn?job=nobody").text


@pytest.mark.parametrize(("content", "status"), [(b"", 422), (bytes(300_000), 413)])
def test_what_must_not_be_uploaded_is_refused(reader, content, status):
    assert upload(reader, content).status_code == status


def test_nobody_has_a_page_who_has_not_written(reader):
    assert reader.get("/authors/Mallory").status_code == 404
    assert reader.post("/authors/Mallory/report").status_code == 404
