"""Bad and awkward files, made on the fly: `hostile_files()` gives name -> (bytes, what must come of it).

What must come is a set of allowed outcomes: "valid", or reason codes of `wikitopics.images.reasons.REASONS`.
"""

import functools
import io
import random
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

VALID = {"valid"}
BROKEN = {"truncated", "damaged"}
SURVIVES = VALID | BROKEN | {"too_complex", "too_many_pixels", "not_an_image", "empty", "unsupported_kind"}


def picture(width: int = 96, height: int = 64, seed: int = 0) -> Image.Image:
    """A picture with structure at all scales, so that compressed data is never trivially short."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([np.sin(x / (5 + c) + y / (9 - c)) for c in range(3)], axis=-1)
    noise = rng.normal(0, 12, (height, width, 3))
    return Image.fromarray(np.clip(128 + 90 * waves + noise, 0, 255).astype(np.uint8))


def saved(image: Image.Image, form: str, **options) -> bytes:
    """The image's bytes in a format."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, extra: bytes = b"", rows: int | None = None) -> bytes:
    """A black RGB PNG by hand: its header may promise more rows than there are."""
    data = zlib.compress(bytes((3 * width + 1) * (height if rows is None else rows)), 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [png_chunk(b"IHDR", header), extra, png_chunk(b"IDAT", data), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def jpeg_segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def tiff_directory(entries: list[tuple[int, int, int, int]], next_offset: int = 0) -> bytes:
    """Classic little-endian TIFF: one directory at offset 8."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", next_offset)


def exif(orientation: int) -> bytes:
    return b"Exif\0\0" + tiff_directory([(0x0112, 3, 1, orientation)])


@functools.cache
def hostile_files() -> dict[str, tuple[bytes, set[str]]]:
    """All of them."""
    groups = (not_images, truncations, modes_and_frames, disguises, headers, bombs)
    return {name: case for group in groups for name, case in group().items()}


def not_images() -> dict[str, tuple[bytes, set[str]]]:
    return {
        "nothing.jpg": (b"", {"empty"}),
        "one byte.jpg": (b"\xff", {"not_an_image"}),
        "web page.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", {"not_an_image"}),
        "blank lines and page.png": (b"\xef\xbb\xbf\n\n  <HTML>", {"not_an_image"}),
        "text.png": ("größer\n".encode() * 9, {"not_an_image"}),
        "zeros.gif": (bytes(5000), {"not_an_image"}),
        "noise.webp": (b"\x01" + random.Random(0).randbytes(4000), {"not_an_image"}),
        "drawing.svg": (b'<?xml version="1.0"?><!-- x --><svg xmlns="a"/>', {"unsupported_kind"}),
        "paper.pdf": (b"%PDF-1.7\n", {"unsupported_kind"}),
        "book.djvu": (b"AT&TFORM\0\0\0\0DJVM", {"unsupported_kind"}),
        "song.ogg": (b"OggS\0\2", {"unsupported_kind"}),
        "film.webm": (b"\x1aE\xdf\xa3", {"unsupported_kind"}),
        "film.mp4": (b"\0\0\0\x18ftypisom", {"unsupported_kind"}),
        "photo.heic": (b"\0\0\0\x18ftypheic", {"unsupported_kind"}),
        "archive.zip": (b"PK\x03\x04", {"unsupported_kind"}),
        "wave.wav": (b"RIFF\0\0\0\0WAVE", {"unsupported_kind"}),
    }


def truncations() -> dict[str, tuple[bytes, set[str]]]:
    """Every format cut at many points: only a cut behind the last pixel may still be valid."""
    forms = {
        "jpeg": saved(picture(), "JPEG", quality=85),
        "progressive jpeg": saved(picture(), "JPEG", progressive=True),
        "png": saved(picture(), "PNG"),
        "interlaced png": interlaced_png(),
        "gif": saved(picture().quantize(64), "GIF"),
        "webp": saved(picture(), "WEBP"),
        "lossless webp": saved(picture(), "WEBP", lossless=True),
        "tiff": saved(picture(), "TIFF"),
        "tiff lzw": saved(picture(), "TIFF", compression="tiff_lzw"),
        "bmp": saved(picture(), "BMP"),
    }
    cases = {}
    for name, data in forms.items():
        for share in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97):
            allowed = BROKEN | {"not_an_image"} | (VALID if name.startswith("interlaced") else set())
            cases[f"{name} cut at {share:.0%}"] = (data[: int(len(data) * share)], allowed)
        cases[f"{name} without its last byte"] = (data[:-1], VALID | BROKEN)
    return cases


def interlaced_png() -> bytes:
    """A small interlaced PNG by hand: 8 x 8, grey, Adam7."""
    passes = [(1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4)]
    rows = b"".join((b"\0" + bytes(range(width))) * height for width, height in passes)
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 1)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)


def modes_and_frames() -> dict[str, tuple[bytes, set[str]]]:
    image = picture()
    clear = image.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(image.size))
    grey16 = Image.fromarray(np.linspace(0, 65535, 96 * 64).reshape(64, 96).astype(np.uint16))
    real = Image.fromarray(np.linspace(-1, 1, 96 * 64).reshape(64, 96).astype(np.float32))
    frames = [picture(seed=s).quantize(32) for s in range(20)]
    valid = {
        "cmyk.jpg": saved(image.convert("CMYK"), "JPEG"),
        "grey.jpg": saved(image.convert("L"), "JPEG"),
        "clear.png": saved(clear, "PNG"),
        "grey and clear.png": saved(clear.convert("LA"), "PNG"),
        "palette with transparency.png": saved(clear.quantize(32), "PNG"),
        "palette, one clear colour.png": saved(image.quantize(32), "PNG", transparency=3),
        "rgb, one clear colour.png": saved(image, "PNG", transparency=(128, 128, 128)),
        "1 bit.png": saved(image.convert("1"), "PNG"),
        "1 bit, white is clear.png": saved(image.convert("1"), "PNG", transparency=1),
        "16 bits.png": saved(grey16, "PNG"),
        "16 bits.tif": saved(grey16, "TIFF"),
        "real numbers.tif": saved(real, "TIFF"),
        "whole numbers.tif": saved(real.convert("I"), "TIFF"),
        "cmyk.tif": saved(image.convert("CMYK"), "TIFF"),
        "tiff jpeg.tif": saved(image, "TIFF", compression="jpeg"),
        "animation.gif": saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "animation.webp": saved(image, "WEBP", save_all=True, append_images=[picture(seed=1)]),
        "animation.png": saved(image, "PNG", save_all=True, append_images=[picture(seed=1)]),
        "two pages.tif": saved(image, "TIFF", save_all=True, append_images=[picture(seed=1)]),
        "clear.webp": saved(clear, "WEBP", lossless=True),
        "clear.gif": saved(clear, "GIF"),
        "clear.bmp": saved(clear, "BMP"),
        "mpo.jpg": saved(image, "MPO", save_all=True, append_images=[picture(seed=1)]),
        "one pixel.gif": saved(Image.new("P", (1, 1)), "GIF"),
        "very wide.png": saved(Image.new("RGB", (9000, 1), "red"), "PNG"),
        **{
            f"turned {turn}.jpg": with_segments(saved(image, "JPEG"), jpeg_segment(0xE1, exif(turn)))
            for turn in range(1, 9)
        },
    }
    return {name: (data, VALID) for name, data in valid.items()}


def disguises() -> dict[str, tuple[bytes, set[str]]]:
    jpeg = saved(picture(), "JPEG")
    return {
        "png named.jpg": (saved(picture(), "PNG"), VALID),
        "jpeg and zip.jpg": (jpeg + b"PK\x03\x04" + bytes(500), VALID),
        "jpeg and page.html": (jpeg + b"<html><script>alert(1)</script>", VALID),
        "page in a comment.jpg": (
            with_segments(jpeg, jpeg_segment(0xFE, b"*/<script>alert(1)</script>/*")),
            VALID,
        ),
        "gif and script.js": (saved(picture().quantize(16), "GIF") + b"=1;alert(1)", VALID),
        "page, then jpeg.jpg": (b"<html>" + jpeg, {"not_an_image"}),
        "shifted by one.jpg": (b"\0" + jpeg, {"not_an_image"}),
        "png header, jpeg body.png": (b"\x89PNG\r\n\x1a\n" + jpeg, BROKEN),
        "nonsense between segments.jpg": (
            with_segments(jpeg, jpeg_segment(0xE0, b"JFIF\0"), b"\0\0\0nonsense"),
            VALID | BROKEN,
        ),
    }


def headers() -> dict[str, tuple[bytes, set[str]]]:
    bmp, jpeg = saved(picture(), "BMP"), saved(picture(), "JPEG")
    start = jpeg.index(b"\xff\xc0") + 5
    refused = BROKEN | {"too_many_pixels"}
    entries = [(256, 4, 1, 96), (257, 4, 1, 64)]
    return {
        "absurd bmp.bmp": (bmp[:18] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + bmp[26:], refused),
        "negative bmp.bmp": (bmp[:18] + struct.pack("<ii", -5, -(2**31)) + bmp[26:], refused),
        "flat bmp.bmp": (bmp[:18] + struct.pack("<ii", 0, 0) + bmp[26:], refused),
        "huge jpeg header.jpg": (jpeg[:start] + b"\xff\xdc\xff\xdc" + jpeg[start + 4 :], {"too_many_pixels"}),
        "flat jpeg.jpg": (jpeg[:start] + b"\0\0\0\0" + jpeg[start + 4 :], BROKEN),
        "taller jpeg.jpg": (jpeg[:start] + b"\x07\xd0" + jpeg[start + 2 :], VALID | BROKEN),
        "huge gif.gif": (
            b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x08\0;",
            {"too_many_pixels"},
        ),
        "flat png.png": (png(0, 0), BROKEN),
        "png of zero rows.png": (png(64, 64, rows=0), BROKEN),
        "png with half the rows.png": (png(64, 64, rows=32), VALID | BROKEN),
        "png without pixels.png": (png(9, 9).replace(b"IDAT", b"iDAT"), BROKEN),
        "tiff that is its own next page.tif": (tiff_directory(entries, 8), BROKEN),
        "tiff with directory outside.tif": (b"II*\0\xff\xff\xff\x7f", BROKEN),
        "tiff with huge strips.tif": (
            tiff_directory([*entries, (273, 4, 1, 8), (279, 4, 1, 2**32 - 1)]),
            BROKEN,
        ),
        "tiff with huge tiles.tif": (
            tiff_directory([*entries, (322, 4, 1, 2**31), (323, 4, 1, 2**31)]),
            {"too_complex"},
        ),
        "webp with lying size.webp": (saved(picture(), "WEBP")[:40], BROKEN),
    }


def bombs() -> dict[str, tuple[bytes, set[str]]]:
    jpeg, gif = saved(picture(), "JPEG"), saved(picture().quantize(16), "GIF")
    table = 13 + (3 << (gif[10] & 7) + 1)
    many_tags = tiff_directory([(0x9000, 7, 60_000, 8)] * 5_000)
    lying_tags = tiff_directory([(256 + i, 7, 20_000, 8) for i in range(1_900)])
    zipped = zlib.compress(bytes(20_000_000), 9)
    return {
        "pixels.png": (png(60_000, 60_000, rows=2), {"too_many_pixels"}),
        "pixels just above the limit.png": (png(7072, 7072, rows=1), {"too_many_pixels"}),
        "pixels just below the limit.webp": (saved(Image.new("RGB", (5000, 4999)), "WEBP", method=0), VALID),
        "pixels just above the limit.webp": (
            saved(Image.new("RGB", (5001, 5000)), "WEBP", method=0),
            {"too_many_pixels"},
        ),
        "pixels just below the limit.png": (png(7071, 7071), VALID),
        "compressed text.png": (png(8, 8, png_chunk(b"zTXt", b"k\0\0" + zipped)), VALID),
        "compressed profile.png": (png(8, 8, png_chunk(b"iCCP", b"k\0\0" + zipped)), VALID),
        "chunks.png": (png(8, 8, png_chunk(b"teSt", b"") * 200_000), {"too_complex"}),
        "texts.png": (png(8, 8, png_chunk(b"tEXt", b"k\0v") * 200_000), {"too_complex"}),
        "exif.png": (png(8, 8, png_chunk(b"eXIf", many_tags)), {"too_complex"}),
        "exif.jpg": (
            with_segments(jpeg, jpeg_segment(0xE1, b"Exif\0\0" + many_tags[:60_000])),
            {"too_complex"},
        ),
        "profiles.jpg": (
            with_segments(jpeg, *[jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes(60_000))] * 200),
            VALID,
        ),
        "segments.jpg": (with_segments(jpeg, *[jpeg_segment(0xE5, b"")] * 200_000), {"too_complex"}),
        "fill bytes.jpg": (jpeg[:2] + b"\xff" * 1_000_000 + jpeg[2:], VALID | BROKEN),
        "scans.jpg": (scan_bomb(), {"too_complex"}),
        "tags.tif": (many_tags, {"too_complex"}),
        "tags that share their bytes.tif": (lying_tags, {"too_complex"}),
        "comments.gif": (
            gif[:table] + (b"!\xfe" + (b"\xff" + b"x" * 255) * 50_000 + b"\0") + gif[table:],
            VALID,
        ),
        "extensions.gif": (gif[:table] + b"!\xfe\0" * 200_000 + gif[table:], {"too_complex"}),
        "frames.gif": (gif[:-1] + gif[table:-1] * 3_000 + b";", VALID),
    }


def scan_bomb() -> bytes:
    """A progressive JPEG whose last scan is repeated a thousand times."""
    jpeg = saved(picture(), "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[last:-2] * 1000 + b"\xff\xd9"


def mutations(count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Good files with bytes overwritten, cut out, doubled: (name, bytes)."""
    rng = random.Random(seed)
    forms = [data for name, (data, _) in {**modes_and_frames()}.items() if len(data) < 60_000]
    for number in range(count):
        data = bytearray(rng.choice(forms))
        for _ in range(rng.choice((1, 1, 3, 10))):
            spot = int(len(data) * rng.random() ** 2)  # headers are hit more often
            data[spot : spot + rng.choice((0, 1, 1, 2, 4))] = rng.randbytes(rng.choice((0, 1, 1, 2, 4)))
        yield f"mutation {number}", bytes(data)
