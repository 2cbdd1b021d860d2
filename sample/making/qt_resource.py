"""Files inside a Qt binary resource (.rcc), the container of gcompris-qt-data.

Layout: "qres", then big-endian version and the offsets of tree, data and names; a tree node is a folder
(flag 2: number of children, first child) or a file (offset of its data: length, bytes, zlib if flag 1).
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 64_000_000
ZLIB, FOLDER, ZSTD = 1, 2, 4


def read_files(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name with folders, bytes) of each file; files packed with zstd are passed over."""
    packed = path.read_bytes()
    magic, version, tree, data, names = struct.unpack_from(">4s4I", packed)
    if magic != b"qres":
        raise ValueError(f"{path.name} is not a Qt resource")
    node_size = 22 if version >= 2 else 14

    def walk(node: int, prefix: str) -> Iterator[tuple[str, bytes]]:
        at = tree + node * node_size
        name_at, flags, first, second = struct.unpack_from(">IHII", packed, at)
        name = f"{prefix}{_name(packed, names + name_at)}" if node else ""
        if flags & FOLDER:
            for child in range(second, second + first):
                yield from walk(child, f"{name}/" if name else "")
        elif not flags & ZSTD:
            yield name, _bytes(packed, data + second, bool(flags & ZLIB))

    yield from walk(0, "")


def _name(packed: bytes, at: int) -> str:
    (length,) = struct.unpack_from(">H", packed, at)
    return packed[at + 6 : at + 6 + 2 * length].decode("utf-16-be")


def _bytes(packed: bytes, at: int, compressed: bool) -> bytes:
    (length,) = struct.unpack_from(">I", packed, at)
    content = packed[at + 4 : at + 4 + length]
    return zlib.decompressobj().decompress(content[4:], MAX_BYTES) if compressed else content
