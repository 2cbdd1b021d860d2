"""From positions of fields to Arrow columns: bytes unescaped, numbers read, NULL as null."""

import numpy as np
import pyarrow as pa

from wikitopics.sources.dumps.sql_rows import QUOTE, Malformed, escapes

WHOLE = ("tinyint", "smallint", "mediumint", "int", "bigint")
REAL = ("float", "double", "decimal")
NULL = np.frombuffer(b"NULL", np.uint8)
UNESCAPED = np.arange(256, dtype=np.uint8)
UNESCAPED[list(b"0nrZtb")] = list(b"\x00\n\r\x1a\t\b")  # any other byte after a backslash is itself


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
