"""Image files without their metadata: what a decoder needs, and the orientation; bounded before decoding.

Comments, colour profiles, EXIF and extra frames are other people's bytes that no decoder of ours has to
look at; in hostile files they are the bombs (a PNG of 500,000 empty chunks keeps Pillow busy for seconds).
A structure that does not hold is left to the decoder, which will say what is wrong with it.
"""

import re
import struct
import zlib
from collections.abc import Iterator

MAX_PARTS = 20_000  # chunks, segments, tags or blocks; an honest file of 50 MB has a few thousand PNG chunks
MAX_SCANS = 64  # passes of a progressive JPEG; usual are 10
MAX_TILE = 1 << 22  # pixels of one tile of a TIFF that is smaller than it; usual are 256 x 256

MAX_TEXT = 1 << 20  # bytes of a text that says how a picture is turned

_JPEG_KEPT = {0xE0, 0xEE}  # of the application segments: JFIF, and Adobe's, which tells how CMYK is meant
_JPEG_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PNG_EXIF, _PNG_XMP = _PNG_TOLD = (b"Raw profile type exif", b"XML:com.adobe.xmp")  # names of texts
_WEBP_TOLD = (b"EXIF", b"XMP ")
_PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_JPEG_MARKER = re.compile(rb"\xff[\x02-\xcf\xda-\xfe]")  # of a segment: not a fill byte, not a lone marker
_TYPE_BYTES = dict(enumerate((1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4))) | {16: 8, 17: 8, 18: 8}
_TIFF_SIZES = (256, 257, 322, 323)  # tags: width and height of the picture, of a tile

MAX_TAGS = 2_000  # of one directory; usual are 20
EXIF = b"Exif\0\0"  # before a block of EXIF data
IN_XMP = re.compile(rb"tiff:Orientation(?:=\"|>)([0-9])")  # as an attribute or an element
TAG, SHORT, LONG = 0x0112, 3, 4  # of the orientation; types of whole numbers


def slim(kind: str, data: bytes) -> tuple[bytes, int]:
    """The file's bytes without metadata, and the orientation (of EXIF or XMP) left to undo, 1 to 8.

    Raises TooComplex for more parts than an honest file has, EOFError for a file that says it is longer.

    >>> slim("BMP", b"BM...")
    (b'BM...', 1)
    """
    walk = {
        "JPEG": _slim_jpeg,
        "PNG": _slim_png,
        "GIF": _slim_gif,
        "TIFF": _check_tiff,
        "WEBP": _look_at_webp,
    }
    return walk[kind](data) if kind in walk else (data, 1)


def _bounded(parts: Iterator, limit: int = MAX_PARTS) -> Iterator:
    for number, part in enumerate(parts):
        if number >= limit:
            raise TooComplex(f"more than {limit:,} parts")
        yield part


def _slim_jpeg(data: bytes) -> tuple[bytes, int]:
    kept, exif, xmp, end, progressive = [b"\xff\xd8"], [], b"", 2, False
    for marker, start, end in _bounded(_jpeg_segments(data)):
        if marker == 0xE1 and data.startswith(EXIF, start + 4):
            exif.append(data[start + 4 + len(EXIF) : end])  # what does not fit in one segment goes on in more
        elif marker == 0xE1 and data.startswith(_JPEG_XMP, start + 4):
            xmp = data[start + 4 + len(_JPEG_XMP) : end]
        progressive |= marker in _JPEG_PROGRESSIVE
        if marker in _JPEG_KEPT or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(data[start:end])
    if progressive and data.count(b"\xff\xda", end) > MAX_SCANS:
        raise TooComplex(f"more than {MAX_SCANS} scans")
    head = b"".join(kept)
    turn = orientation(b"".join(exif), xmp)
    return data if len(head) == end else head + data[end:], turn


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment before the first scan; bytes between segments are skipped."""
    position = 2
    while (found := _JPEG_MARKER.search(data, position)) and found.end() + 2 <= len(data):
        marker, start = data[found.end() - 1], found.start()
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4])
        if marker == 0xDA or end > len(data):
            return
        yield marker, start, end
        position = end


def _slim_png(data: bytes) -> tuple[bytes, int]:
    kept, end = [data[:8]], 8
    told: dict[bytes, tuple[bytes, bytes]] = {}  # by its name: kind of chunk, data
    for kind, start, end in _bounded(_png_chunks(data)):
        if kind in _PNG_KEPT:
            kept.append(data[start:end])
        elif kind == b"eXIf":
            told[kind] = kind, data[start + 8 : end - 4]
        elif kind in (b"tEXt", b"zTXt", b"iTXt") and data.startswith(_PNG_TOLD, start + 8):
            name, _, text = data[start + 8 : end - 4].partition(b"\0")
            told[name] = kind, text
    hexadecimal, xmp = (_png_text(*told[name]) if name in told else b"" for name in _PNG_TOLD)
    exif = told.get(b"eXIf", (b"", b""))[1] or _of_hexadecimal(hexadecimal)
    return b"".join([*kept, data[end:]]), orientation(exif, xmp)


def _png_text(kind: bytes, text: bytes) -> bytes:
    """The text of a chunk, unpacked where it is packed, at most MAX_TEXT bytes of it."""
    packed = kind == b"zTXt"
    if kind == b"iTXt":  # packed or not, how, language, translated name
        packed, text = text[:1] == b"\1", b"".join(text[2:].split(b"\0", 2)[2:])
    elif packed:
        text = text[1:]
    try:
        return zlib.decompressobj().decompress(text, MAX_TEXT) if packed else text
    except zlib.error:
        return b""


def _of_hexadecimal(profile: bytes) -> bytes:
    """The bytes of a profile as ImageMagick writes it: an empty line, its name, its length, digits."""
    digits = b"".join(profile.split(b"\n")[3:])
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:  # no digits, or no ASCII
        return b""


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    position, kind = 8, b""
    while position + 12 <= len(data) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            return
        yield kind, position, end
        position = end


def _slim_gif(data: bytes) -> tuple[bytes, int]:
    """Of the extensions before the first frame only the graphic control stays: it holds transparency."""
    if len(data) < 13:
        return data, 1
    position = 13 + ((3 << (data[10] & 7) + 1) if data[10] & 0x80 else 0)
    kept = [data[:position]]
    for start, end in _bounded(_gif_extensions(data, position)):
        if data[start + 1] == 0xF9:
            kept.append(data[start:end])
        position = end
    return b"".join([*kept, data[position:]]), 1


def _gif_extensions(data: bytes, position: int) -> Iterator[tuple[int, int]]:
    while data[position : position + 1] == b"!" and position + 2 < len(data):
        start, position = position, position + 2
        for position in _bounded(_gif_blocks(data, position), 50 * MAX_PARTS):  # noqa: B007, B020
            pass
        yield start, position


def _gif_blocks(data: bytes, position: int) -> Iterator[int]:
    """Where each block of an extension ends; the last one is empty."""
    length = 1
    while length and position < len(data):
        length = data[position]
        position += 1 + length
        yield position


def _check_tiff(data: bytes) -> tuple[bytes, int]:
    """Nothing is taken away (and Pillow turns TIFF itself), but tags that share their bytes are refused, and
    tiles far larger than the picture, which libtiff fills in full before it looks at a byte of them."""
    found = list(tags(data))
    claimed = sum(_TYPE_BYTES.get(kind, 1) * count for _, kind, count, _ in found)
    if claimed > 2 * len(data) + (1 << 16):
        raise TooComplex(f"tags claim {claimed:,} bytes of a file of {len(data):,}")
    said = dict.fromkeys(_TIFF_SIZES, 1)
    for tag, _, _, value in found:
        if tag in said:
            said[tag] = max(said[tag], value)
    width, height, across, down = said.values()
    if across * down > max(MAX_TILE, 4 * width * height):
        raise TooComplex(f"tiles of {across:,} x {down:,} pixels for {width:,} x {height:,}")
    return data, 1


def _look_at_webp(data: bytes) -> tuple[bytes, int]:
    if int.from_bytes(data[4:8], "little") + 8 > len(data):  # libwebp only says that it cannot begin
        raise EOFError("the file is shorter than it says")
    told = dict.fromkeys(_WEBP_TOLD, b"")
    for kind, start, end in _bounded(_riff_chunks(data)):
        if kind in told:
            told[kind] = told[kind] or data[start:end]
    return data, orientation(*told.values())


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        yield kind, position + 8, position + 8 + length
        position += 8 + length + (length & 1)


class TooComplex(ValueError):
    """More parts than an honest file has."""


def orientation(exif: bytes, xmp: bytes = b"") -> int:
    """The orientation, 1 to 8, that `ImageOps.exif_transpose` would undo: of EXIF, else of XMP, else 1.

    XMP is asked only where EXIF has no orientation at all; one that makes no sense is 1.

    >>> orientation(b"", b'<rdf:Description tiff:Orientation="6"/>'), orientation(b"MM", b"")
    (6, 1)
    """
    while exif.startswith(EXIF):
        exif = exif[len(EXIF) :]
    said = IN_XMP.search(xmp)
    found = int(said[1]) if said else 1
    for tag, kind, count, value in tags(exif):
        if tag == TAG:
            found = value if kind in (SHORT, LONG) and count == 1 else 1
    return found if 1 <= found <= 8 else 1


def tags(tiff: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(tag, type, count, value) of the first directory of TIFF, BigTIFF or EXIF data.

    value: the first number of the tag where it stands in the entry itself, else where the numbers are.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 16:
        return
    big = tiff[2:4] in (b"+\0", b"\0+")
    head, entry = (struct.Struct(order + form) for form in (("Q", "HHQ8s") if big else ("H", "HHI4s")))
    start = (
        struct.unpack_from(order + "Q", tiff, 8)[0] if big else struct.unpack_from(order + "I", tiff, 4)[0]
    )
    if start + head.size > len(tiff):
        return
    number = head.unpack_from(tiff, start)[0]
    if number > MAX_TAGS:
        raise TooComplex(f"{number:,} tags")
    first = start + head.size
    for position in range(first, min(first + number * entry.size, len(tiff) - entry.size + 1), entry.size):
        tag, kind, count, field = entry.unpack_from(tiff, position)
        value = int.from_bytes(field[: _TYPE_BYTES.get(kind, 1)], "little" if order == "<" else "big")
        yield tag, kind, count, value
