"""A table from an SQL dump as mysqldump writes it, in a stream: columns by name, all physical forms alike.

A newline in a value is always written as an escape, so that a line never ends inside a value. Old clients
put all rows of an INSERT on one line, today's (MDEV-25152) a row on each; both are cut where lines end, and
consecutive INSERTs are taken as one.
"""

import gzip
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.sources.dumps.sql_rows import Malformed, field, fields
from wikitopics.sources.dumps.sql_values import arrow_type, column

BLOCK = 1 << 19  # bytes looked at together: what numpy makes of them stays in the processor's cache
LONGEST = 1 << 28  # bytes of one line; mysqldump makes lines of 1 MB
END = b"-- Dump completed"
NO_ROWS = re.compile(
    rb"--|/\*|(?i:lock|unlock|commit|set|drop table|create table) ?|  [`A-Z]|\) ENGINE=|\s*$"
)


@dataclass(frozen=True)
class SqlDump:
    """One table of a dump: its file, its name, its columns (name -> declared type) in their order."""

    path: Path
    table: str
    columns: dict[str, str]

    def batches(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """All rows, these columns only (int64, float64 or binary; NULL as null), some thousand rows each.

        Raises UserError for a column that the table does not have, and where the dump is cut off or damaged.
        """
        missing = [name for name in names if name not in self.columns]
        if missing:
            raise UserError(
                f"{self.path.name} must have the column {missing[0]}, but its table {self.table} has only "
                f"{', '.join(self.columns)}; take a dump with that column"
            )
        place = {name: list(self.columns).index(name) for name in names}
        kinds = {name: arrow_type(self.columns[name]) for name in names}
        try:
            for rows in statements(_blocks(self.path), self.table):
                first, ends = fields(rows, len(self.columns))
                values = [column(rows, *field(first, ends, place[name]), kinds[name]) for name in names]
                yield pa.RecordBatch.from_arrays(values, names)
        except Malformed as error:
            raise UserError(
                f"{self.path.name} must be a whole dump as mysqldump writes it, but {error}; "
                "download it again"
            ) from error


def open_dump(path: Path) -> SqlDump:
    """The first table of a dump (.gz or plain); UserError where the file has no CREATE TABLE at its head."""
    try:
        head = next(_blocks(path, tell=False))
    except Malformed as error:
        raise UserError(f"{path.name} must be an SQL dump, but {error}; download it again") from error
    found = re.search(rb"CREATE TABLE `(\w+)` \((.*?)\n\)", head, re.DOTALL)
    if not found:
        raise UserError(
            f"{path.name} must be an SQL dump with CREATE TABLE at its head, but has none; "
            "take the file that ends in .sql or .sql.gz"
        )
    declared = re.findall(rb"^\s*`(\w+)` (\S+)", found[2], re.MULTILINE)
    return SqlDump(path, found[1].decode(), {name.decode(): kind.decode() for name, kind in declared})


def statements(blocks: Iterator[bytes], table: str) -> Iterator[np.ndarray]:
    """Rows as `sql_rows.fields` reads them, from blocks of lines; Malformed unless all is understood."""
    insert = b"\nINSERT INTO `" + table.encode() + b"` VALUES"
    inside, end = False, b""
    for block in blocks:
        block, at = block.replace(b");" + insert, b"),\n"), 0
        while at < len(block):
            if not inside:
                start = block.find(insert, at)
                _skipped(block[at : start if start >= 0 else len(block)])
                at = start + len(insert) if start >= 0 else len(block)
                inside = start >= 0
            else:
                rows, at, inside = _rows(block, at)
                if len(rows) > 1 or bytes(rows).strip():
                    yield np.frombuffer(rows, np.uint8)
        end = (end + block)[-200:]
    if inside or END not in end:
        raise Malformed(f"it ends without its mark {END.decode()!r}")


def _rows(block: bytes, at: int) -> tuple[memoryview, int, bool]:
    """The rows from `at`, where they stop, and whether their statement goes on in the next block."""
    stop = block.find(b";\n", at)
    if stop < 0 and block.endswith(b";"):
        stop = len(block) - 1
    if stop >= 0:
        if not block[at:stop].strip():
            raise Malformed("a row is missing")
        return memoryview(block)[at:stop], stop + 1, False
    end = len(block.rstrip())
    if end > at and block[end - 1 : end] != b",":
        raise Malformed("a row is cut off")
    return memoryview(block)[at : max(at, end - 1)], len(block), True


def _skipped(between: bytes) -> None:
    """Every line between the rows' statements must be one that holds no rows."""
    for line in between.splitlines():
        if not NO_ROWS.match(line):
            raise Malformed(
                f"a line begins in a way that is not known ({line[:40].decode(errors='replace')})"
            )


def _blocks(path: Path, tell: bool = True) -> Iterator[bytes]:
    """The bytes of a file, unpacked, cut before a newline: each block but the first begins with one."""
    size, rest = os.path.getsize(path), b""
    with open(path, "rb") as raw, gzip.open(raw) if path.suffix == ".gz" else raw as stream:
        try:
            while piece := stream.read(max(BLOCK, len(rest))):
                data = rest + piece
                cut = data.rfind(b"\n")
                if len(data) - cut > LONGEST:
                    raise Malformed(f"a line is longer than {LONGEST >> 20} MB")
                if cut > 0:
                    yield data[:cut]
                rest = data[max(cut, 0) :]
                if tell and raw.tell() < size:
                    report(f"reading bytes of {path.name}", raw.tell(), size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Malformed(f"it cannot be unpacked ({error})") from error
    if tell:
        report(f"reading bytes of {path.name}", size, size)
    yield rest
