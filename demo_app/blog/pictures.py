"""Pictures that people upload: kept as they came, and made small by a job.

A picture comes from a stranger. It may be no picture, or a broken one, or a small file that
unpacks to gigabytes or for minutes; and it may tell in its metadata where its owner lives. So it is
unpacked in a process of its own, which the system ends when it takes too much.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from demo_app.blog import outbox
from demo_app.blog.database import Database
from demo_app.jobs.job import Job
from demo_app.jobs.task import Task
from local_smtp import bounded

if TYPE_CHECKING:  # else it is loaded by the job that needs it, and not by all that starts
    from PIL.Image import Image

#: Bytes of a file that is taken.
MOST_BYTES = 10_000_000
#: Pixels of a picture that is unpacked, one at a time; each takes four bytes, and four in a copy.
MOST_PIXELS = 20_000_000
#: The longer side of a thumbnail, in pixels.
LONGEST = 320
#: Scans of a progressive JPEG: each goes over all pixels once more, and ten are usual.
MOST_SCANS = 100
#: Seconds of computing, and bytes of memory, in which a picture has to be made small.
SECONDS, MEMORY = 4.0, 400_000_000
_SCAN = b"\xff\xda"  # a scan's first bytes (ITU-T T.81, table B.1)
_one_at_a_time = threading.Lock()
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
_COLUMNS = "name, owner, owner_email, uploaded_at, content"


class BadPicture(ValueError):
    """It is no picture that can be made small; says why."""


class PicturesBusy(Exception):
    """The thumbnail can't be made now: another one is in progress, or the machine is too busy. The
    job is tried again later and leaves its place to others meanwhile."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was uploaded; uploaded_at in seconds since the epoch."""

    id: int
    name: str
    owner: str
    owner_email: str
    uploaded_at: float
    content: bytes


def add_picture(
    database: Database,
    name: str,
    owner: str,
    owner_email: str,
    content: bytes,
    *,
    shrink: Task[[int], None],
    keep_job: bool = True,
) -> tuple[Picture, Job]:
    """Keep a picture, and in the same transaction the job that makes it small.

    shrink: the task that takes the picture's id. keep_job: False leaves the outbox out.
    Raises BadPicture when the file is too large; nothing is stored then.
    """
    if len(content) > MOST_BYTES:
        raise BadPicture(f"a picture has at most {MOST_BYTES:,} bytes, and not {len(content):,}")
    columns = (name, owner, owner_email, time.time(), content)
    with database.transaction() as transaction:
        (picture_id,) = transaction.execute(
            f"INSERT INTO pictures ({_COLUMNS}) VALUES (?, ?, ?, ?, ?) RETURNING id", columns
        ).fetchone()
        job = shrink.job(picture_id)
        if keep_job:
            outbox.add(transaction, job)
    return Picture(picture_id, *columns), job


def picture(database: Database, picture_id: int) -> Picture | None:
    """One picture, if it is there."""
    sql = f"SELECT id, {_COLUMNS} FROM pictures WHERE id = ?"
    row = database.read(sql, picture_id).fetchone()
    return Picture(*row) if row else None


def thumbnail(content: bytes) -> bytes:
    """A small JPEG of the picture, upright, on white, with none of its metadata.

    A picture smaller than `LONGEST` keeps its size. Raises BadPicture when there is no way to make
    one, and PicturesBusy when it can't be made now.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise PicturesBusy("another picture is made small at the moment")
    try:
        answer = bounded.ask(
            "demo_app.blog.pictures.shrink_stdin", [str(SECONDS)], content, packages=True
        )
    except bounded.MachineBusy:
        raise PicturesBusy("the machine is too busy to make the picture small now") from None
    except bounded.TooCostly:
        raise BadPicture(
            f"it takes more than {SECONDS:g} s or {MEMORY // 1_000_000} MB to unpack"
        ) from None
    finally:
        _one_at_a_time.release()
    why, _, small = answer.partition(b"\n")
    if why:
        raise BadPicture(why.decode())
    return small


def shrink_stdin(seconds: str) -> None:
    """Write why the picture on stdin is a bad one, an end of line, and its thumbnail. Runs in a
    process of its own."""
    from PIL import Image  # noqa: F401 - loading it is not the picture's fault

    content = sys.stdin.buffer.read()
    bounded.bound(float(seconds), MEMORY)
    try:
        answer = b"\n" + small_jpeg(content)
    except BadPicture as error:
        answer = " ".join(str(error).split()).encode("utf-8", "replace") + b"\n"
    sys.stdout.buffer.write(answer)


def small_jpeg(content: bytes) -> bytes:
    """The same, in this process and however long it takes."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:  # known before a pixel is unpacked
                raise BadPicture(
                    f"{image.width:,} x {image.height:,} pixels are more than {MOST_PIXELS:,}"
                )
            if image.format == "JPEG" and content.count(_SCAN) > MOST_SCANS:
                raise BadPicture(f"it has more than {MOST_SCANS} scans")
            image.draft("RGB", (LONGEST, LONGEST))  # a JPEG can be unpacked at a smaller scale
            return _small(image)
    except BadPicture:
        raise
    except UnidentifiedImageError:
        raise BadPicture(f"it is none of {', '.join(_FORMATS)}") from None
    except Exception as error:  # a damaged file makes Pillow raise almost anything
        raise BadPicture(f"it can't be read as a picture: {error}") from error


def _small(image: Image) -> bytes:
    from PIL.Image import new
    from PIL.ImageOps import exif_transpose

    if image.mode.startswith("I"):  # 16 bits of grey, which a conversion would cut off at white
        image = image.point(lambda grey: grey / 257, "L")
    plain = image.convert("RGBA")
    plain.thumbnail((LONGEST, LONGEST))
    upright = exif_transpose(plain)
    # a new picture takes over the pixels alone: no comment, no place, no camera
    paper = new("RGBA", upright.size, "white")
    paper.alpha_composite(upright)
    jpeg = BytesIO()
    paper.convert("RGB").save(jpeg, "JPEG", quality=85)
    return jpeg.getvalue()
