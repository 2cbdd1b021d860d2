"""Rows as awkward as a wiki's, tab-separated as LOAD DATA reads them: binary keys, quotes, escapes, NULLs."""

from collections.abc import Iterator

import numpy as np

AWKWARD = [
    b"'),('", b"),(1,'x'),\n(", b"a\\", b"\\'", b"\\\\'", b"'", b'"quoted"', b"NULL", b"",
    b"-- Dump completed", b");", b"INSERT INTO `page` VALUES (1,2)",
    "Café_✓_\U0001f408".encode(), b"\x00\r\n\x1a\t%_", b",,((,))",
]  # fmt: skip


def escaped(value: bytes | None) -> bytes:
    """A value as LOAD DATA reads it."""
    if value is None:
        return b"\\N"
    value = value.replace(b"\\", b"\\\\").replace(b"\t", b"\\\t")
    return value.replace(b"\n", b"\\\n").replace(b"\0", b"\\0")


def category_rows(n: int, seed: int = 0) -> Iterator[bytes]:
    """Rows of categorylinks: binary sort keys (ICU's are not UTF-8), awkward prefixes, three types."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, 1 << 20, dtype=np.uint8).tobytes()
    start, length = rng.integers(0, (1 << 20) - 64, n).tolist(), rng.integers(8, 40, n).tolist()
    target, kind = rng.integers(1, 900_000, n).tolist(), rng.integers(0, 20, n).tolist()
    for i in range(n):
        key = escaped(noise[start[i] : start[i] + length[i]])
        prefix = escaped(AWKWARD[i % len(AWKWARD)]) if i % 7 == 0 else b""
        named = (b"page", b"subcat")[kind[i]] if kind[i] < 2 else b"file"
        yield b"%d\t%s\t2026-01-01 12:00:00\t%s\t%s\t1\t%d\n" % (i // 5 * 3 + 1, key, prefix, named,
                                                                target[i] * 5 + i % 5)  # fmt: skip


def page_rows(n: int, seed: int = 1) -> Iterator[bytes]:
    """Rows of page: files and categories with awkward titles, doubles in both notations, NULLs."""
    rng = np.random.default_rng(seed)
    chance = rng.random(n).tolist()
    for i in range(n):
        title = (AWKWARD[i % len(AWKWARD)] if i % 11 == 0 else b"A_picture_of_something") + b"_%d.jpg" % i
        small = chance[i] * (1e-7 if i % 50 == 0 else 1)
        model = b"\\N" if i % 3 else b"wikitext"
        yield b"%d\t%d\t%s\t%d\t0\t%r\t20260101120000\t\\N\t%d\t%d\t%s\t\\N\n" % (
            i + 1, (6, 6, 6, 14, 0)[i % 5], escaped(title), i % 40 == 0, small, i * 7, i % 5000,
            model)  # fmt: skip
