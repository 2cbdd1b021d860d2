"""The first directory of TIFF or EXIF data, read without trusting any of its numbers."""

import struct
from collections.abc import Iterator

MAX_TAGS = 2_000  # of one directory; usual are 20


class TooComplex(ValueError):
    """More parts than an honest file has."""


def orientation(exif: bytes) -> int:
    """The orientation in a block of EXIF data, 1 to 8; 1 where there is none or it makes no sense."""
    for tag, kind, count, value in tags(exif.removeprefix(b"Exif\0\0")):
        if tag == 0x0112:
            return value if kind == 3 and count == 1 and 1 <= value <= 8 else 1
    return 1


def tags(tiff: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(tag, type, count, first short of the value) of the first directory of TIFF, BigTIFF or EXIF data."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 16:
        return
    big = tiff[2:4] in (b"+\0", b"\0+")
    head, entry = (struct.Struct(order + form) for form in (("Q", "HHQHHHH") if big else ("H", "HHIHH")))
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
        yield entry.unpack_from(tiff, position)[:4]
