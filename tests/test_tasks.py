"""Tests that the three tasks send their mails on every backend, and that their file names no
backend."""

import inspect
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path

import pytest
from blog.sample import a_picture
from PIL import Image
from support import most_nightly

from demo_app import tasks
from demo_app.blog import outbox, pictures, posts
from demo_app.blog.database import Database, DatabaseMissing, SqliteDatabase
from demo_app.blog.opening import open_database
from demo_app.jobs.outcome import Failed, Retry
from demo_app.jobs.perform import perform
from demo_app.jobs.retries import policy_for
from demo_app.mail.connection import MailDeferred, MailServerAway
from demo_app.settings import BackendName, Settings
from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.tasks import mail_monthly_report, mail_thumbnail

BACKENDS = [name for name in BackendName if name is not BackendName.INLINE]


def put_all_three_in(database: Database) -> None:
    now = datetime.now(UTC)
    posts.add_comment(
        database, 1, "Reader", "r@example.test", "Well said.", notify=tasks.notify_author
    )
    picture = pictures.add_picture(database, "写真.png", "Akiko", "a@example.test", a_picture())
    report = mail_monthly_report.job(now.year, now.month, "Editor", "editor@example.test")
    with database.transaction() as transaction:
        outbox.add(transaction, mail_thumbnail.job(picture.id))
        outbox.add(transaction, report)


def check(mails: dict[str, bytes]) -> None:
    parsed = {to: message_from_bytes(raw, policy=policy.SMTP) for to, raw in mails.items()}
    assert parsed["akiko@blog.test"]["Subject"].startswith("Reader commented on")
    (small,) = parsed["a@example.test"].iter_attachments()
    assert small.get_filename() == "small 写真.png.jpg"
    assert Image.open(BytesIO(small.get_content())).size == (320, 240)
    (table,) = parsed["editor@example.test"].iter_attachments()
    lines = table.get_content().lstrip("\ufeff").splitlines()
    assert lines[1] == "1,Why your comment does not wait for a mail server,Akiko,1,1"


@pytest.mark.parametrize("backend", most_nightly(BACKENDS, BackendName.CELERY))
def test_all_three_end_in_a_mail(backend):
    with Stack(workers=1, concurrency=2, backend=backend) as stack, Client(stack.ready) as client:
        put_all_three_in(SqliteDatabase(Path(stack.ready["dir"]) / "blog.sqlite3"))
        client.wait_for_mails(3)
        assert client.wait_for(lambda now: now["done"] == 3)["conserved"]
        raw = {
            mail["to"][0]: client.inbox.get(f"/api/messages/{mail['id']}/raw").content
            for mail in client.mails()["messages"]
        }
    check(raw)


@pytest.fixture
def blog(monkeypatch, tmp_path, mail_sink) -> Database:
    """Return a blog whose mails go to the sink, and whose jobs run in this process."""
    settings = Settings(dir=tmp_path, smtp_url=f"smtp://{mail_sink.smtp}", backend="inline")
    for module in ("demo_app.tasks", "demo_app.mail.delivery", "demo_app.jobs.backend"):
        monkeypatch.setattr(f"{module}.settings", lambda: settings)
    tasks._opened.cache_clear()
    database = SqliteDatabase(settings.database)
    posts.seed(database)
    yield database
    tasks._opened.cache_clear()


def test_a_missing_comment_is_looked_for_again_and_then_given_up(blog):
    for job in (tasks.notify_author.job(12345), mail_thumbnail.job(12345)):
        first, last = perform(job), perform(replace(job, attempts=5))
        assert isinstance(first, Retry)
        assert isinstance(last, Failed)
        assert "12345" in last.error.traceback


def test_while_its_database_is_away_a_job_is_tried_as_a_mail_is(
    blog, monkeypatch, postgres, postgres_url
):
    settings = Settings(database_url=postgres_url, backend="inline")
    monkeypatch.setattr("demo_app.tasks.settings", lambda: settings)
    posts.seed(open_database(settings))
    found = perform(tasks.notify_author.job(1))
    postgres.kill()
    outcome = perform(replace(tasks.notify_author.job(1), attempts=99))
    postgres.start()
    assert "NotFound" in found.error.traceback, "it has a connection, which breaks"
    assert isinstance(outcome, Retry)
    assert "no connection to the database" in outcome.error.traceback


def test_an_empty_file_is_not_a_blog(tmp_path):
    path = tmp_path / "blog.sqlite3"
    path.touch()
    with pytest.raises(DatabaseMissing):
        SqliteDatabase(path, create=False)


def test_a_job_of_another_blog_is_put_aside_at_once_and_says_whose_it_is(blog):
    outcome = perform(replace(tasks.notify_author.job(1), owner="another blog"))
    assert isinstance(outcome, Failed)
    assert "the job belongs to the blog another blog" in outcome.error.traceback


@pytest.mark.parametrize(
    ("error", "outage"),
    [(MailDeferred("451"), False), (MailServerAway("the server is down"), True)],
)
def test_a_mail_is_tried_for_five_days_with_waits_that_grow_to_an_hour(error, outage):
    policy = policy_for(tasks.notify_author.policies, error)
    assert policy.outage is outage
    now, failures = 0.0, 0
    while not policy.gives_up(failures, now):
        failures += 1
        wait = policy.wait(failures)
        assert wait <= 3600.0
        now += wait
    assert now >= 5 * 24 * 3600
    assert failures < 200


def test_the_jobs_file_names_no_backend():
    source = inspect.getsource(tasks).lower()
    words = [*BackendName, "redis", "sqlite", "backend", "worker", "queue.store"]
    assert [word for word in words if word in source] == []
