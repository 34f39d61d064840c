"""Tests that a picture's thumbnail is a small JPEG, and that other files are refused."""

from io import BytesIO
from unittest.mock import Mock

import pytest
from blog.sample import a_picture, encoded
from PIL import ExifTags, Image

from demo_app.blog.pictures import LONGEST, BadPicture, Picture, add_picture, picture, thumbnail

GREY = Image.linear_gradient("L").resize((900, 600))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("P", "GIF"), ("RGB", "WEBP")],
)
def test_each_kind_of_picture_has_a_small_jpeg(mode: str, kind: str) -> None:
    small = Image.open(BytesIO(thumbnail(encoded(GREY.convert(mode), kind))))
    assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (LONGEST, 213))
    dark, light = small.convert("L").getextrema()
    assert dark < 20
    assert light > 235


def test_a_photo_that_a_phone_stored_on_its_side_stands_upright() -> None:
    file, exif = BytesIO(), Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    GREY.save(file, "JPEG", exif=exif)
    assert Image.open(BytesIO(thumbnail(file.getvalue()))).size == (213, LONGEST)


def test_a_small_picture_keeps_its_size() -> None:
    assert Image.open(BytesIO(thumbnail(encoded(GREY.resize((40, 30)), "PNG")))).size == (40, 30)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>", a_picture()[:500]])
def test_a_file_that_is_not_a_picture_is_refused(content: bytes) -> None:
    with pytest.raises(BadPicture, match="can't be read"):
        thumbnail(content)


def test_a_lack_of_memory_does_not_reject_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", Mock(side_effect=MemoryError))
    with pytest.raises(MemoryError):
        thumbnail(b"")


def test_a_picture_is_stored_byte_for_byte(database) -> None:
    content = bytes(range(256))
    made = add_picture(database, "写真.png", "A", "a@b.test", content)
    assert picture(database, made.id) == made
    assert made == Picture(made.id, "写真.png", "A", "a@b.test", made.uploaded_at, content)
    assert picture(database, made.id + 1) is None
