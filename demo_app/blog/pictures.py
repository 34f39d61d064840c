"""Pictures that are stored with the blog; a job makes their thumbnails."""

import time
from dataclasses import dataclass
from io import BytesIO

from demo_app.blog.database import Database

#: Limit of the longer side of a thumbnail (pixels).
LONGEST = 320
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
_COLUMNS = "name, owner, owner_email, uploaded_at, content"


class BadPicture(ValueError):
    """The file is not a picture. The message says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A stored picture.

    Attributes:
        uploaded_at: seconds since the epoch.
    """

    id: int
    name: str
    owner: str
    owner_email: str
    uploaded_at: float
    content: bytes


def add_picture(
    database: Database, name: str, owner: str, owner_email: str, content: bytes
) -> Picture:
    columns = (name, owner, owner_email, time.time(), content)
    with database.transaction() as transaction:
        (picture_id,) = transaction.execute(
            f"INSERT INTO pictures ({_COLUMNS}) VALUES (?, ?, ?, ?, ?) RETURNING id", columns
        ).fetchone()
    return Picture(picture_id, *columns)


def picture(database: Database, picture_id: int) -> Picture | None:
    sql = f"SELECT id, {_COLUMNS} FROM pictures WHERE id = ?"
    row = database.read(sql, picture_id).fetchone()
    return Picture(*row) if row else None


def thumbnail(content: bytes) -> bytes:
    """Return the picture as a JPEG, reduced to `LONGEST`.

    Raises:
        BadPicture: the file can't be read as a picture.
    """
    from PIL import Image, ImageOps  # slow to import, and needed only here

    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as image:
            image.thumbnail((LONGEST, LONGEST))
            small = ImageOps.exif_transpose(image).convert("RGB")
    except MemoryError:  # this is not an error of the picture
        raise
    except Exception as error:  # a damaged file makes Pillow raise almost anything
        raise BadPicture(f"the file can't be read as a picture: {error}") from error
    jpeg = BytesIO()
    small.save(jpeg, "JPEG", quality=85)
    return jpeg.getvalue()
