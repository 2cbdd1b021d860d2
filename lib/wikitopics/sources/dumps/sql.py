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

BLOCK = 1 << 19  # bytes looked at together: what numpy makes of them stays in the processor's cache
LONGEST = 1 << 28  # bytes of one line; mysqldump makes lines of 1 MB
END = b"-- Dump completed"
NO_ROWS = re.compile(
    rb"--|/\*|(?i:lock|unlock|commit|set|drop table|create table) ?|  [`A-Z]|\) ENGINE=|\s*$"
)

QUOTE, COMMA, OPEN, CLOSE, ESCAPE, BLANK, NEWLINE = b"',()\\ \n"

WHOLE = ("tinyint", "smallint", "mediumint", "int", "bigint")
REAL = ("float", "double", "decimal")
NULL = np.frombuffer(b"NULL", np.uint8)
UNESCAPED = np.arange(256, dtype=np.uint8)
UNESCAPED[list(b"0nrZtb")] = list(b"\x00\n\r\x1a\t\b")  # any other byte after a backslash is itself


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
    """Rows as `fields` reads them, from blocks of lines; Malformed unless all is understood."""
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
    if end > at and not block[at : end - 1].strip():
        raise Malformed("a row is missing")
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


# --- Rows of an SQL dump as positions of their fields: numpy over bytes, no text and no row is ever decoded
#
# Of all bytes only quotes and commas matter. An escaped quote is none, so the rest open and close texts by
# turns, and a comma outside of texts ends a field. That all else is where it must be is checked, not assumed.


class Malformed(ValueError):
    """The bytes are no rows of so many fields."""


def escapes(data: np.ndarray) -> np.ndarray:
    r"""Positions of the backslashes that escape the next byte (not of those that are escaped themselves).

    >>> escapes(np.frombuffer(rb"a\'\\\n", np.uint8)).tolist()
    [1, 3, 5]
    """
    at = np.flatnonzero(data == ESCAPE)
    if len(at) < 2:
        return at
    new_run = np.diff(at, prepend=-2) != 1
    first = np.flatnonzero(new_run)
    place_in_run = np.arange(len(at)) - np.repeat(first, np.diff(first, append=len(at)))
    return at[place_in_run % 2 == 0]


def fields(rows: np.ndarray, n_columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Where rows start (behind the parenthesis) and each field ends: (n_rows,), (n_rows, n_columns) int64.

    rows: uint8, "(1,'a'),(2,'b')" with nothing after the last parenthesis; blanks and newlines,
    at most two, may stand before a row. Raises Malformed where a row has another number of fields, is cut
    off, or holds a newline or a quote where none can be.

    >>> first, ends = fields(np.frombuffer(b"(1,'a'),(20,NULL)", np.uint8), 2)
    >>> first.tolist(), ends.tolist()
    ([1, 9], [[2, 6], [11, 16]])
    """
    at, is_quote = _marks(rows)
    after = np.bitwise_xor.accumulate(is_quote)  # True from an opening quote up to its closing one
    if len(after) and after[-1]:
        raise Malformed("a text is not closed")
    bounds = np.append(at[~(is_quote | after)], len(rows))
    if len(bounds) % n_columns:
        raise Malformed(f"a row has not {n_columns} fields")
    ends = bounds.reshape(-1, n_columns)
    last = ends[:, -1]
    first = np.concatenate([[0], last[:-1] + 1])
    newlines = 0
    for _ in range(2):  # a new line and, where an INSERT began, what stood behind its VALUES
        lead = rows[np.minimum(first, len(rows) - 1)]
        newlines += int(np.count_nonzero(lead == NEWLINE))
        first += (lead == NEWLINE) | (lead == BLANK)
    if newlines != np.count_nonzero(rows == NEWLINE):
        raise Malformed("a line ends within a row")
    last -= 1
    if (first >= last).any() or (rows[first] != OPEN).any() or (rows[last] != CLOSE).any():
        raise Malformed(f"a row has not {n_columns} fields in parentheses")
    first += 1
    _check_quotes(rows, at[is_quote], first, last)
    return first, ends


def field(first: np.ndarray, ends: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
    """(start, end) of one column's fields; quotes belong to the field."""
    return (ends[:, column - 1] + 1 if column else first), ends[:, column]


def _marks(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of commas and of quotes that are not escaped, and which of them are quotes."""
    mark = rows == QUOTE
    escaped = escapes(rows) + 1
    if len(escaped) and escaped[-1] == len(rows):
        raise Malformed("it ends in an escape")
    mark[escaped] = False
    mark |= rows == COMMA
    at = np.flatnonzero(mark)
    return at, rows[at] == QUOTE


def _check_quotes(rows: np.ndarray, quotes: np.ndarray, first: np.ndarray, last: np.ndarray) -> None:
    """A text fills its field: anything else (a doubled quote, a character set's name) would be read wrong.

    first, last: where the rows' first bytes and their closing parentheses stand, for no others count.
    """
    opening, closing = quotes[0::2], quotes[1::2]
    before, behind = rows[opening - 1], rows[closing + 1]
    fills = ((before == COMMA) | (before == OPEN)).all() and ((behind == COMMA) | (behind == CLOSE)).all()
    begins = np.array_equal(opening[before == OPEN], first[rows[first] == QUOTE])
    ends = np.array_equal(closing[behind == CLOSE] + 1, last[rows[last - 1] == QUOTE])
    if not (fills and begins and ends):
        raise Malformed("a text does not fill its field")


# --- From positions of fields to Arrow columns: bytes unescaped, numbers read, NULL as null


def arrow_type(declared: str) -> pa.DataType:
    """int64 for whole numbers, float64 for others, binary for everything else (dates and enums are text).

    >>> arrow_type("bigint(20) unsigned"), arrow_type("varbinary(255)")
    (DataType(int64), DataType(binary))
    """
    name = declared.split("(")[0].split()[0].lower()
    return pa.int64() if name in WHOLE else pa.float64() if name in REAL else pa.binary()


def column(rows: np.ndarray, start: np.ndarray, end: np.ndarray, kind: pa.DataType) -> pa.Array:
    """The values of one column from their places in `rows`: (n,) of type `kind`.

    Raises Malformed for a text that is not quoted, or a number that is none.
    """
    first = rows[np.minimum(start, len(rows) - 1)]
    null = (first == NULL[0]) & (end - start == len(NULL))
    if (rows[start[null, None] + np.arange(len(NULL))] != NULL).any():
        raise Malformed("a word is not NULL")
    if pa.types.is_binary(kind):
        if not (null | (first == QUOTE)).all():
            raise Malformed("a text is not in quotes")
        return unescaped(_taken(rows, start + 1, np.maximum(end - 1, start + 1), null))
    try:
        return _taken(rows, start, end, null).view(pa.string()).cast(kind)
    except pa.ArrowInvalid as error:
        raise Malformed(f"a number is none ({error})") from error


def _taken(rows: np.ndarray, start: np.ndarray, end: np.ndarray, null: np.ndarray) -> pa.Array:
    """rows[start:end] of each value, copied once: the block, cut at all ends, every second piece taken."""
    cuts = np.empty(2 * len(start), dtype=np.int32)
    cuts[0::2], cuts[1::2] = start, end
    buffers = [None, pa.py_buffer(cuts), pa.py_buffer(rows)]
    block = pa.Array.from_buffers(pa.binary(), len(cuts) - 1, buffers)
    which = np.arange(0, len(cuts), 2)
    return block.take(pa.array(which, mask=null if null.any() else None))


def unescaped(values: pa.Array) -> pa.Array:
    r"""Binary values with MySQL's backslash escapes undone.

    >>> unescaped(pa.array([rb"it\'s", rb"\\n\0", None])).to_pylist()
    [b"it's", b'\\n\x00', None]
    """
    validity, offsets, data = values.buffers()
    if not values.nbytes or data is None or values.offset:
        return values
    data = np.frombuffer(data, np.uint8)
    ends = np.frombuffer(offsets, np.int32)[: len(values) + 1]
    data = data[: ends[-1]]
    at = escapes(data)
    if not len(at):
        return values
    data = data.copy()
    data[at + 1] = UNESCAPED[data[at + 1]]
    kept = np.ones(len(data), dtype=bool)
    kept[at] = False
    ends = ends - np.searchsorted(at, ends).astype(np.int32)
    buffers = [validity, pa.py_buffer(ends), pa.py_buffer(data[kept])]
    return pa.Array.from_buffers(pa.binary(), len(values), buffers, null_count=values.null_count)
