"""What an author asks for: a thumbnail of a picture, and a table of the month's comments."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_string
from email.policy import default
from io import BytesIO

from PIL import Image

from demo_app.author_tasks import mail_monthly_report, mail_thumbnail
from demo_app.blog.database import SqliteDatabase
from demo_app.blog.pictures import add_picture
from lab import trace
from lab.language import say
from lab.running import Lab

_NAME, _ADDRESS = "Hanako", "hanako@example.test"


@dataclass(frozen=True, slots=True)
class Asked:
    """A job that was asked for. took: seconds until the answer."""

    job_id: str
    took: float


@dataclass(frozen=True, slots=True)
class Result:
    """A file that a job made. kind: its media type."""

    name: str
    kind: str
    content: bytes

    def row(self) -> tuple[str, str, int, str]:
        """The file as a table's row: name, type, size, and what is in it."""
        if self.kind == "text/csv":
            inside = self.content.decode("utf-8-sig")
        else:
            with Image.open(BytesIO(self.content)) as image:
                inside = say("{w} × {h} pixels", w=image.width, h=image.height)
        return self.name, self.kind, len(self.content), inside


def upload_picture(lab: Lab) -> Asked:
    """Store a large picture, and in the same transaction the job that makes it small."""
    file = BytesIO()
    Image.linear_gradient("L").resize((3000, 2000)).save(file, "PNG")
    database = SqliteDatabase(trace.database(lab))
    began = time.perf_counter()
    _, job = add_picture(
        database, "holiday.png", _NAME, _ADDRESS, file.getvalue(), shrink=mail_thumbnail
    )
    return Asked(job.id, time.perf_counter() - began)


def ask_for_report(lab: Lab) -> Asked:
    """Enqueue the job that counts this month's comments."""
    lab.client  # noqa: B018  # a closed lab says so
    now, began = datetime.now(UTC), time.perf_counter()
    result = mail_monthly_report.enqueue(now.year, now.month, _NAME, _ADDRESS)
    return Asked(result.id, time.perf_counter() - began)


def results(lab: Lab, *asked: Asked) -> list[Result]:
    """The files of these jobs that have arrived by mail, sorted by media type."""
    found = []
    jobs = {one.job_id for one in asked}
    for mail in lab.client.mails()["messages"]:
        if mail["job_id"] not in jobs:
            continue
        for part in message_from_string(trace.raw_mail(lab, mail["id"]), policy=default).walk():
            if name := part.get_filename():
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                found.append(Result(name, part.get_content_type(), content))
    return sorted(found, key=lambda result: result.kind)
