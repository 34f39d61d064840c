"""A thumbnail of any file: a small JPEG, or a clear refusal, never a crash."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from demo_app.blog.pictures import LONGEST, BadPicture, Picture, add_picture, picture, thumbnail


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
    small = Image.open(BytesIO(thumbnail(encoded(GREY.convert(mode), kind))))

    assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (LONGEST, 213))
    dark, light = small.convert("L").getextrema()
    assert dark < 20
    assert light > 235


def test_sixteen_bits_of_grey_stay_grey():
    deep = GREY.convert("I").point(lambda grey: grey * 257).convert("I;16")

    small = Image.open(BytesIO(thumbnail(encoded(deep, "PNG")))).convert("L")

    assert 100 < small.getpixel((160, 106)) < 156


def test_what_is_transparent_turns_white():
    glass = Image.new("RGBA", (50, 50), (0, 0, 0, 0))

    small = Image.open(BytesIO(thumbnail(encoded(glass, "PNG"))))

    assert small.getpixel((25, 25)) == (255, 255, 255)


def test_a_small_picture_keeps_its_size():
    assert Image.open(BytesIO(thumbnail(encoded(GREY.resize((40, 30)), "PNG")))).size == (40, 30)


def test_it_stands_upright_and_tells_nothing_about_its_owner():
    told = Image.Exif()
    told[0x0112] = 6  # turned by the camera
    told[0x010F] = "a maker"
    told.get_ifd(0x8825)[1] = "N"  # where it was taken

    small = thumbnail(encoded(GREY.convert("RGB"), "JPEG", exif=told, comment=b"my secret"))

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
        (png_that_claims(60_000, 60_000), "can't be read"),
        (png_that_claims(2**31 - 1, 2**31 - 1), "can't be read"),
        (png_that_claims(100, 100), "can't be read"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(content, told):
    with pytest.raises(BadPicture, match=told):
        thumbnail(content)


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_file_is_refused_or_made_small_and_nothing_else(data):
    whole = bytearray(
        encoded(GREY.resize((64, 64)), data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"])))
    )
    for _ in range(data.draw(st.integers(1, 20))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    try:
        small = thumbnail(bytes(whole))
    except BadPicture:
        return

    assert max(Image.open(BytesIO(small)).size) <= LONGEST


def test_a_picture_is_stored_byte_for_byte(database):
    content = bytes(range(256))
    made = add_picture(database, "写真.png", "A", "a@b.test", content)

    assert picture(database, made.id) == made
    assert made == Picture(made.id, "写真.png", "A", "a@b.test", made.uploaded_at, content)
    assert picture(database, made.id + 1) is None
