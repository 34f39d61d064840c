"""A thumbnail of whatever a stranger uploads: a small one, or a clear refusal, never a crash."""

from __future__ import annotations

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from demo_app.blog import outbox, pictures
from demo_app.blog.pictures import (
    LONGEST,
    MOST_BYTES,
    BadPicture,
    Picture,
    PicturesBusy,
    add_picture,
    picture,
    small_jpeg,
    thumbnail,
)
from demo_app.jobs import task
from local_smtp import bounded


@task
def shrink(picture_id: int) -> None:
    """In place of a task that takes a picture's id."""


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is that large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


GREY = Image.linear_gradient("L").resize((900, 600))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "JPEG"),
        ("CMYK", "JPEG"),
        ("L", "PNG"),
        ("LA", "PNG"),
        ("RGBA", "PNG"),
        ("1", "PNG"),
        ("P", "GIF"),
        ("RGB", "WEBP"),
    ],
)
def test_every_kind_of_picture_is_made_small(mode, kind):
    small = Image.open(BytesIO(small_jpeg(encoded(GREY.convert(mode), kind))))

    assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (LONGEST, 213))
    dark, light = small.convert("L").getextrema()
    assert dark < 20
    assert light > 235


def test_sixteen_bits_of_grey_stay_grey():
    deep = GREY.convert("I").point(lambda grey: grey * 257).convert("I;16")

    small = Image.open(BytesIO(small_jpeg(encoded(deep, "PNG")))).convert("L")

    assert 100 < small.getpixel((160, 106)) < 156


def test_what_is_transparent_turns_white():
    glass = Image.new("RGBA", (50, 50), (0, 0, 0, 0))

    small = Image.open(BytesIO(small_jpeg(encoded(glass, "PNG"))))

    assert small.getpixel((25, 25)) == (255, 255, 255)


def test_a_small_picture_keeps_its_size():
    assert Image.open(BytesIO(small_jpeg(encoded(GREY.resize((40, 30)), "PNG")))).size == (40, 30)


def test_it_stands_upright_and_tells_nothing_about_its_owner():
    told = Image.Exif()
    told[0x0112] = 6  # turned by the camera
    told[0x010F] = "a maker"
    told.get_ifd(0x8825)[1] = "N"  # where it was taken

    small = small_jpeg(encoded(GREY.convert("RGB"), "JPEG", exif=told, comment=b"my secret"))

    assert Image.open(BytesIO(small)).size == (213, LONGEST)
    assert not dict(Image.open(BytesIO(small)).getexif())
    assert b"maker" not in small
    assert b"secret" not in small


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "none of JPEG"),
        (b"GIF89a", "none of JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "none of JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "none of JPEG"),
        (encoded(GREY, "TIFF"), "none of JPEG"),
        (encoded(GREY, "PNG")[:500], "can't be read"),
        (encoded(GREY, "JPEG")[:2000], "can't be read"),
        (png_that_claims(7000, 7000), "pixels are more than"),
        (png_that_claims(60_000, 60_000), "can't be read"),
        (png_that_claims(2**31 - 1, 2**31 - 1), "can't be read"),
        (png_that_claims(100, 100), "can't be read"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(content, told):
    with pytest.raises(BadPicture, match=told):
        small_jpeg(content)


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_file_is_refused_or_made_small_and_nothing_else(data):
    whole = bytearray(
        encoded(GREY.resize((64, 64)), data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"])))
    )
    for _ in range(data.draw(st.integers(1, 20))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    try:
        small = small_jpeg(bytes(whole))
    except BadPicture:
        return

    assert max(Image.open(BytesIO(small)).size) <= LONGEST


def with_scans(count: int) -> bytes:
    """A progressive JPEG of 19 million pixels that is gone over so many times."""
    start, *scans = encoded(Image.new("L", (4400, 4400), 128), "JPEG", progressive=True).split(
        b"\xff\xda"
    )
    last = scans.pop()[: -len(b"\xff\xd9")]
    scans += [last] * (count - len(scans))
    return b"\xff\xda".join([start, *scans]) + b"\xff\xd9"


def test_a_picture_that_is_gone_over_hundreds_of_times_is_refused():
    with pytest.raises(BadPicture, match="more than 100 scans"):
        thumbnail(with_scans(600))


def test_a_picture_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(pictures, "SECONDS", 0.2)

    with pytest.raises(BadPicture, match=r"more than 0\.2 s or 400 MB"):
        thumbnail(with_scans(100))


def test_a_good_picture_on_a_machine_without_computing_time_is_tried_again(monkeypatch):
    """The kernel gave the process nothing in all of its patience; the picture is not at fault."""
    monkeypatch.setattr(bounded, "_PATIENCE", 0.001)

    with pytest.raises(PicturesBusy, match="too busy"):
        thumbnail(encoded(GREY, "PNG"))


def test_a_process_makes_one_picture_small_at_a_time_and_sends_the_others_away():
    large = encoded(Image.new("RGBA", (4400, 4400)), "PNG")
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(thumbnail, large) for _ in range(4)]
    errors = [answer.exception() for answer in answers]

    assert None in errors
    assert all(error is None or isinstance(error, PicturesBusy) for error in errors)
    assert any(errors)


def test_a_file_that_is_too_large_is_not_kept():
    with pytest.raises(BadPicture, match="10,000,000 bytes"):
        add_picture(None, "a", "b", "c@d.test", bytes(MOST_BYTES + 1), shrink=None)


def test_a_picture_and_its_job_are_kept_together_byte_for_byte(database):
    content = bytes(range(256))
    made, job = add_picture(database, "写真.png", "A", "a@b.test", content, shrink=shrink)

    assert picture(database, made.id) == made
    assert made == Picture(made.id, "写真.png", "A", "a@b.test", made.uploaded_at, content)
    assert [entry.job for entry in outbox.pending(database)] == [job]
    assert picture(database, made.id + 1) is None
