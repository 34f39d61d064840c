"""Helpers of several blog tests."""

from io import BytesIO

from PIL import Image

from demo_app.blog import posts
from demo_app.blog.database import Database
from demo_app.broker.events import State
from demo_app.broker.inspect import page
from demo_app.broker.queue import Queue
from demo_app.jobs import task


@task(queue_name="mail")
def tell(comment_id: int) -> None:
    """Do nothing: a stand-in for a task that takes a comment's id."""


def encoded(image: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    image.save(file, kind)
    return file.getvalue()


def a_picture() -> bytes:
    return encoded(Image.new("RGB", (800, 600), "teal"), "PNG")


def comment(database: Database, key: str = "", text: str = "text") -> posts.Comment:
    return posts.add_comment(database, 1, "A", "a@b.test", text, notify=tell, key=key)[0]


def queued(store: Queue) -> list[str]:
    return [job.id for job in page(store, State.QUEUED).jobs]
