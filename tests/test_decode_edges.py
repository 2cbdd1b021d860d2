"""Decoding's edges: transparent colours, alpha that is multiplied in, 12 bits, and every place of a turn."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from hostile import exif, jpeg_segment, saved, with_segments
from wikitopics.images.decode import Recipe, decode

SIDE = 32
XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"


def png(depth: int, kind: int, rows: list[bytes], transparent: bytes = b"", others: tuple = ()) -> bytes:
    """A PNG of len(rows) rows as wide as high; `others`: chunks (name, content) before the pixels."""
    side = len(rows)
    head = struct.pack(">IIBBBBB", side, side, depth, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [(b"IHDR", head), *others, *([(b"tRNS", transparent)] if transparent else [])]
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(chunk, [*chunks, (b"IDAT", pixels), (b"IEND", b"")]))


def chunk(named: tuple[bytes, bytes]) -> bytes:
    name, content = named
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def packed(values: list[int], depth: int) -> bytes:
    bits = "".join(format(value, f"0{depth}b") for value in values)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def tiff(values: list[int], depth: int, photometric: int = 1, samples: int = 1, more: tuple = ()) -> bytes:
    """A square TIFF of one strip; `more`: tags of one short."""
    strip, side = packed(values, depth), int((len(values) // samples) ** 0.5)
    tags = [(256, side), (257, side), (258, [depth] * samples), (259, 1), (262, photometric), (273, None)]
    tags = sorted([*tags, (277, samples), (278, side), (279, len(strip)), *more], key=lambda tag: tag[0])
    end = 8 + 2 + 12 * len(tags) + 4
    body = b""
    for tag, value in tags:
        kind = 4 if tag in (273, 279) else 3
        content = struct.pack("<I", end) if value is None else b""
        if isinstance(value, list):  # at most two samples: their depths stand in the entry itself
            content, count = struct.pack(f"<{samples}H", *value), samples
        else:
            content, count = content or struct.pack("<I", value), 1
        body += struct.pack("<HHI", tag, kind, count) + content.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(4) + strip


def square(background, subject) -> list[list]:
    return [
        [subject if 8 <= x < 24 and 8 <= y < 24 else background for x in range(SIDE)] for y in range(SIDE)
    ]


def pixels(data: bytes, side: int = SIDE) -> np.ndarray:
    return decode(data, Recipe(store_size=side)).pixels


@pytest.mark.parametrize(
    "depth, background, subject", [(2, 1, 2), (4, 7, 12), (8, 0, 100), (16, 5000, 60000)]
)
def test_a_transparent_grey_is_white_and_every_other_grey_stays(depth, background, subject):
    rows = [packed(row, depth) for row in square(background, subject)]
    seen = pixels(png(depth, 0, rows, struct.pack(">H", background)))
    assert seen[0, 0].tolist() == [255] * 3
    assert seen[16, 16].tolist() == [round(subject * 255 / (2**depth - 1))] * 3


def test_of_16_bits_only_the_very_colour_is_transparent():
    """The subject differs from the transparent colour in its lowest bits alone."""
    clear, near = (4660, 22136, 1000), (4661, 22136, 1000)
    rows = [b"".join(struct.pack(">3H", *value) for value in row) for row in square(clear, near)]
    seen = pixels(png(16, 2, rows, struct.pack(">3H", *clear)))
    assert seen[0, 0].tolist() == [255] * 3 and seen[16, 16].tolist() == [18, 86, 3]
    grey = pixels(png(16, 0, [packed(row, 16) for row in square(5000, 5001)], struct.pack(">H", 5000)))
    assert grey[0, 0].tolist() == [255] * 3 and grey[16, 16].tolist() == [19] * 3


@given(st.integers(0, 65535), st.integers(0, 65535), st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_transparent_16_bit_colour_is_compared_whole(one, other, in_colour):
    values = square(one, other)
    if in_colour:
        rows = [b"".join(struct.pack(">3H", value, 7, 7) for value in row) for row in values]
        seen = pixels(png(16, 2, rows, struct.pack(">3H", one, 7, 7)))
        shown = [other >> 8, 0, 0]
    else:
        seen = pixels(png(16, 0, [packed(row, 16) for row in values], struct.pack(">H", one)))
        shown = [round(other / 257)] * 3
    assert seen[0, 0].tolist() == [255] * 3
    assert np.abs(seen[16, 16].astype(int) - ([255] * 3 if one == other else shown)).max() <= 1


@pytest.mark.parametrize("grey, alpha, right", [(0, 128, 127), (64, 128, 191), (0, 0, 255), (200, 255, 200)])
def test_grey_multiplied_by_its_alpha_is_laid_on_white(grey, alpha, right):
    seen = pixels(tiff([grey, alpha] * 256, 8, samples=2, more=((338, 1),)), side=16)
    assert abs(int(seen[8, 8, 0]) - right) <= 1


def test_12_bits_span_black_to_white():
    assert [int(pixels(tiff([value] * 256, 12), 16)[8, 8, 0]) for value in (0, 2048, 4095)] == [0, 128, 255]


def test_16_bits_that_count_from_white_are_turned():
    """Bytes in the file's own order: little."""
    swapped = [int.from_bytes(value.to_bytes(2, "little")) for value in (0, 65535, 0x4000)]
    assert [int(pixels(tiff([v] * 256, 16, 0), 16)[8, 8, 0]) for v in swapped] == [255, 0, 191]


def xmp(turn: int, element: bool = False) -> bytes:
    said = f"><tiff:Orientation>{turn}</tiff:Orientation" if element else f' tiff:Orientation="{turn}"'
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description{said}></x:xmpmeta>'.encode()


def long_exif(turn: int, order: str) -> bytes:
    """EXIF whose orientation is a number of 32 bits, as some programs write it."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return b"Exif\0\0" + head + struct.pack(order + "HHHIII", 1, 0x0112, 4, 1, turn, 0)


def turned_files() -> dict[str, bytes]:
    """Files whose turn stands in every place where a program may write it."""
    image = Image.new("RGB", (20, 10), "red")
    image.paste("blue", (0, 0, 10, 5))
    jpeg = saved(image, "JPEG", quality=95)
    only_xmp = jpeg_segment(0xE1, XMP_NAME + xmp(6))
    blank = b"Exif\0\0" + b"II*\0" + struct.pack("<IHI", 8, 0, 0)
    two = [jpeg_segment(0xE1, exif(6)), jpeg_segment(0xE1, exif(1))]
    cut = [jpeg_segment(0xE1, exif(6)[:16]), jpeg_segment(0xE1, b"Exif\0\0" + exif(6)[16:])]
    profile = f"\nexif\n{len(exif(6)):8}\n{exif(6).hex()}\n".encode()
    webp = saved(image, "WEBP", lossless=True, xmp=xmp(8))
    return {
        "xmp.jpg": with_segments(jpeg, only_xmp),
        "xmp as an element.jpg": with_segments(jpeg, jpeg_segment(0xE1, XMP_NAME + xmp(8, element=True))),
        "xmp beside EXIF without it.jpg": with_segments(jpeg, jpeg_segment(0xE1, blank), only_xmp),
        "EXIF before xmp.jpg": with_segments(jpeg, jpeg_segment(0xE1, exif(3)), only_xmp),
        "EXIF that makes no sense, and xmp.jpg": with_segments(jpeg, jpeg_segment(0xE1, exif(9)), only_xmp),
        "two blocks of EXIF.jpg": with_segments(jpeg, *two),
        "EXIF in two segments.jpg": with_segments(jpeg, *cut),
        "EXIF named twice.jpg": with_segments(jpeg, jpeg_segment(0xE1, b"Exif\0\0" + exif(6))),
        "32 bits.jpg": with_segments(jpeg, jpeg_segment(0xE1, long_exif(6, "<"))),
        "32 bits, big endian.jpg": with_segments(jpeg, jpeg_segment(0xE1, long_exif(6, ">"))),
        "xmp.png": with_text(image, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(6)),
        "packed xmp.png": with_text(image, b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp(6))),
        "profile.png": with_text(image, b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile)),
        "plain profile.png": with_text(image, b"tEXt", b"Raw profile type exif\0" + profile),
        "xmp.webp": webp,
        "xmp.tif": saved(image, "TIFF", tiffinfo={700: xmp(6)}),
        "EXIF.tif": saved(image, "TIFF", tiffinfo={0x0112: 6}),
    }


def with_text(image: Image.Image, name: bytes, content: bytes) -> bytes:
    data = saved(image, "PNG")
    return data[:33] + chunk((name, content)) + data[33:]  # behind IHDR


@pytest.mark.parametrize("name", turned_files())
def test_a_picture_is_turned_as_pillow_turns_it(name):
    data = turned_files()[name]
    with Image.open(io.BytesIO(data)) as image:
        right = np.asarray(ImageOps.exif_transpose(image).convert("RGB").resize((8, 8), Image.Resampling.BOX))
    seen = decode(data, Recipe(store_size=8, fit="stretch"))
    assert np.abs(seen.pixels.astype(int) - right).max() < 60
    with Image.open(io.BytesIO(data)) as image:
        assert (seen.width, seen.height) == ImageOps.exif_transpose(image).size


def test_texts_that_unpack_to_gigabytes_are_not_unpacked():
    bomb = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(50 << 20), 9)
    data = with_text(Image.new("RGB", (8, 8)), b"iTXt", bomb)
    assert decode(data, Recipe(store_size=8)).width == 8
