"""Files that cleaning has to meet: broken, misleading, hostile. Made here, some of rows of the sample."""

import io
import struct
import zlib
from dataclasses import replace

import numpy as np
from PIL import Image

from making.rows import Row
from making.thumbnails import encoded, on_white, open_bounded

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><circle cx="32" cy="32" r="20"/></svg>'
UNCREDITED = ("Public domain", "CC0-1.0")
AS_PHOTOGRAPH = ("Held", "Truncated photograph", "Truncated scan", "Old scan", "Printed")
HTML = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"


def hostile_rows(rows: list[Row], generator: np.random.Generator) -> list[Row]:
    """One row per case, in place of a row of `rows` whose licence asks for no credit; keeps its folder."""
    made = []
    for title, content in _cases(generator):
        kind = "photograph" if title.startswith(AS_PHOTOGRAPH) else "drawing"
        likely = [n for n, row in enumerate(rows) if row.kind == kind and row.licence in UNCREDITED]
        host = rows.pop(int(generator.choice(likely)))
        image = content(on_white(open_bounded(host.image))) if callable(content) else content
        made.append(replace(host, title=title, image=image, kind="hostile", articles=host.articles[:1]))
    return made


def _cases(generator: np.random.Generator) -> list[tuple]:
    """(title, bytes or a function of the picture)."""
    noise = generator.integers(0, 256, (96, 64, 3), dtype=np.uint8)
    return [
        ("Truncated photograph.jpg", lambda im: _jpeg(im)[: len(_jpeg(im)) // 2]),
        ("Truncated scan lines.jpg", lambda im: _jpeg(im)[:-200]),
        ("Truncated drawing.png", lambda im: encoded(im, "PNG")[:-120]),
        ("Truncated drawing.webp", lambda im: encoded(im, "WEBP", quality=80)[:-200]),
        ("Really a PNG file.jpg", lambda im: encoded(im, "PNG")),
        ("Really a JPEG file.png", lambda im: _jpeg(im)),
        ("Printed poster in CMYK.jpg", lambda im: encoded(im.convert("CMYK"), "JPEG", quality=85)),
        ("Old scan in sixteen bits.png", lambda im: _sixteen_bits(im)),
        ("Palette with a transparent colour.png", lambda im: _palette(im)),
        ("Grey with alpha.png", lambda im: encoded(_with_alpha(im, "LA"), "PNG")),
        ("Drawing with half transparent ground.png", lambda im: encoded(_with_alpha(im, "RGBA"), "PNG")),
        ("Two colours only.png", lambda im: encoded(im.convert("1"), "PNG")),
        ("Blinking banner.gif", lambda im: _animated(im)),
        ("Held sideways.jpg", lambda im: _rotated(im, 6)),
        ("Held upside down.jpg", lambda im: _rotated(im, 3)),
        ("Satellite mosaic, full resolution.png", _bomb(40_000, 30_000)),
        ("Endless scroll.png", _bomb(100_000, 2_000)),
        ("Empty upload.jpg", b""),
        ("Not found.jpg", HTML),
        ("Circle.svg", SVG),
        ("Random bytes.jpg", noise.tobytes()[:2_000]),
        ("One pixel.png", encoded(Image.new("RGB", (1, 1), "red"), "PNG")),
        ("A very long strip.png", lambda im: encoded(im.resize((1_200, 4)), "PNG")),
        ("<img src=x onerror=alert(1)>.png", lambda im: encoded(im, "PNG", optimize=True)),
        ("\"Quoted\" & 'apostrophed' title.png", lambda im: encoded(_tilted(im, 2), "PNG", optimize=True)),
        ("富士山の絵 – 北斎.png", lambda im: encoded(_tilted(im, -2), "PNG", optimize=True)),
        ("صورة قديمة.png", lambda im: encoded(_tilted(im, 3), "PNG", optimize=True)),
    ]


def _jpeg(image: Image.Image) -> bytes:
    return encoded(image, "JPEG", quality=85)


def _tilted(image: Image.Image, degrees: float) -> Image.Image:
    return image.rotate(degrees, resample=Image.Resampling.BICUBIC, fillcolor="white")


def _sixteen_bits(image: Image.Image) -> bytes:
    grey = np.asarray(image.convert("L"), np.uint16) * 257
    return encoded(Image.fromarray(grey), "PNG")


def _palette(image: Image.Image) -> bytes:
    return encoded(image.quantize(16), "PNG", transparency=0)


def _with_alpha(image: Image.Image, mode: str) -> Image.Image:
    with_alpha = image.convert(mode)
    ramp = np.linspace(0, 255, image.width).astype(np.uint8)
    with_alpha.putalpha(Image.fromarray(np.tile(ramp, (image.height, 1))))
    return with_alpha


def _animated(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    frames = [image.convert("P"), Image.new("P", image.size), image.convert("P")]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=200, loop=0)
    return stream.getvalue()


def _rotated(image: Image.Image, orientation: int) -> bytes:
    """A picture whose pixels lie on their side, with the EXIF orientation that puts them right."""
    turned = image.transpose({6: Image.Transpose.ROTATE_90, 3: Image.Transpose.ROTATE_180}[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(turned, "JPEG", quality=85, exif=exif)


def _bomb(width: int, height: int) -> bytes:
    """A small PNG that claims width x height pixels of one bit, nearly all of them missing."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + width // 8) * 50)
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
