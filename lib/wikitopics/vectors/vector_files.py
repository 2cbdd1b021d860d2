"""Parquet files of vectors that somebody else made: one column that names a row, one of lists of numbers."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.errors import UserError

ROWS = 4096  # read at once
WIDEST = 1 << 16  # numbers a row
PICTURES = ("sha1", "title", "path", "image_url")  # what names a picture, the surest first
TEXTS = ("text", "label")  # what names a text


def opened(
    path: Path, keys: Sequence[str] = PICTURES, what: str = "features"
) -> tuple[pq.ParquetFile, str, str]:
    """The file, the name of its column that names rows (the first of `keys`), and that of its numbers.

    Raises UserError for another file, which calls it by `what`.
    """
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        reason = (str(error).splitlines() or [""])[0][:120]
        raise UserError(
            f"{what} must be a Parquet file, but {path.name} cannot be read as one ({reason}); name another"
        ) from None
    schema = file.schema_arrow
    names = [name for name in keys if name in schema.names]
    numbers = [field.name for field in schema if _is_vector(field.type)]
    if not names or len(numbers) != 1 or schema.names.count(names[0]) > 1:
        raise UserError(
            f"{what} must have one column of lists of numbers and one of {', '.join(keys)}, but "
            f"{path.name} has {', '.join(map(repr, schema.names)) or 'no column'}; rename columns"
        )
    kind = schema.field(names[0]).type
    if not _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind):
        raise UserError(
            f"{what} must name their rows in text or whole numbers, but the column {names[0]!r} of "
            f"{path.name} is {kind}; write it as text (SHA-1 in hex)"
        )
    return file, names[0], numbers[0]


def _is_text(kind: pa.DataType) -> bool:
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_integer)
    return any(one(kind) for one in (*kinds, pa.types.is_null))


def _is_vector(kind: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(one(kind) for one in lists) and pa.types.is_floating(kind.value_type)


def vectors_of(
    path: Path, keys: Sequence[str] = PICTURES, what: str = "features"
) -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
    """A file's names of rows, vectors (n, d) float32 and which of them are usable (n,), some at a time.

    A row without numbers, of zeros or of numbers that are not finite is not usable. Raises UserError as
    `opened`, and where lists are not of one length.
    """
    file, name, numbers = opened(path, keys, what)
    width = 0
    for batch in _batches(file, [name, numbers], path, what):
        column = batch[numbers].cast(pa.large_list(pa.float32()))
        lengths = np.asarray(column.value_lengths().fill_null(0))
        width = width or int(lengths.max(initial=0))
        others = lengths[(lengths != width) & (lengths > 0)]
        if len(others) or width > WIDEST:
            raise UserError(
                f"{what} must be lists of one length, at most {WIDEST:,}, but {path.name} has some of "
                f"{width:,}{f' and of {others[0]:,}' if len(others) else ''} numbers; make them anew"
            )
        vectors = np.zeros((len(batch), width), np.float32)
        flat = column.drop_null().flatten()  # rows that are null have no numbers in it
        vectors[lengths > 0] = np.asarray(flat.fill_null(np.nan)).reshape((lengths > 0).sum(), width)
        names = batch[name].cast(pa.string()).fill_null("").to_pylist()
        usable = np.logical_and(np.isfinite(vectors).all(axis=1), vectors.any(axis=1))
        yield names, vectors, np.asarray(usable)


def _batches(file: pq.ParquetFile, columns: list[str], path: Path, what: str) -> Iterator[pa.RecordBatch]:
    """Some columns, ROWS at a time. Raises UserError where the file is damaged behind its schema."""
    try:
        yield from file.iter_batches(ROWS, columns=columns)
    except (OSError, pa.ArrowInvalid) as error:
        reason = (str(error).splitlines() or [""])[0][:120]
        raise UserError(
            f"{what} must be a whole file, but {path.name} is damaged ({reason}); copy it again"
        ) from None


def units(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, d) at length 1, those of zeros as they are: float32, so that products are cosines.

    >>> units(np.array([[3.0, 4.0], [0.0, 0.0]])).round(1).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    vectors = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
