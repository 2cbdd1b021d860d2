"""Pictures that lie in Parquet: which column holds them, and the bytes of one by its row."""

from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wikitopics.errors import UserError
from wikitopics.sources.reading import Refused, TooLarge, inside
from wikitopics.sources.tables import is_text

MAX_GROUP = 1 << 30  # bytes of pictures in one group of rows, which is read whole
MARK = "#"  # between a shard's path and a row


def picture_column(schema: pa.Schema, said: frozenset[str], shard: str) -> str:
    """The column that holds pictures, as bytes. UserError where there is none, or one of several.

    A picture is a structure with `bytes`, or plain bytes in a column that is said to be one or is called
    image. Of several the one called image is meant.
    """
    columns = [
        one.name for one in schema if _has_bytes(one.type) and (one.name in said or _is_structure(one))
    ]
    columns = columns or [one.name for one in schema if one.name == "image" and _has_bytes(one.type)]
    if len(columns) > 1 and "image" in columns:
        return "image"
    if len(columns) == 1:
        return columns[0]
    if columns:
        raise UserError(
            f"a data set must have one column of pictures, but {shard} has {', '.join(columns)[:200]}; call "
            "the one you mean image"
        )
    texts = [one.name for one in schema if is_text(one.type) and (one.name in said or one.name == "image")]
    if texts:
        raise UserError(
            f"pictures of a data set must lie in it as bytes, but the column {texts[0]} of {shard} holds "
            "only paths or addresses; fetch the files and bring a table of paths, or save the bytes in it"
        )
    raise UserError(
        f"a data set must have a column of pictures (bytes), but {shard} has {', '.join(schema.names)[:200]}"
        "; name the file itself if it is a table of paths"
    )


def _is_structure(one: pa.Field) -> bool:
    return pa.types.is_struct(one.type)


def _has_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(
            kind.field(i).name == "bytes" and _has_bytes(kind.field(i).type) for i in range(kind.num_fields)
        )
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_null(kind)


def names_of_pictures(file: pq.ParquetFile, column: str, shard: str) -> list[str]:
    """The file names that stand beside the bytes, "" where none; UserError where a row has only a path.

    The pictures themselves are read only where the shard does not say that each row has one.
    """
    check_groups(file, column, shard)
    kind = file.schema_arrow.field(column).type
    if (
        not pa.types.is_struct(kind)
        or kind.get_field_index("path") < 0
        or not is_text(kind.field("path").type)
    ):
        return [""] * file.metadata.num_rows
    names: list[str] = []
    for group in range(file.num_row_groups):
        whole = _lacks(file, group, f"{column}.bytes")
        values = file.read_row_group(group, columns=[column if whole else f"{column}.path"])[column]
        values = values.combine_chunks()
        own = [path or "" for path in pc.struct_field(values, "path").to_pylist()]
        there = pc.is_valid(pc.struct_field(values, "bytes")).to_pylist() if whole else [True] * len(own)
        lost = next((path for path, has in zip(own, there, strict=True) if path and not has), None)
        if lost is not None:
            raise UserError(
                f"pictures of a data set must lie in it as bytes, but a row of {shard} has only the path "
                f"{lost[:60]!r}; save it again with the bytes in it (in `datasets`: embed_external_files)"
            )
        names += own
    return names


def _lacks(file: pq.ParquetFile, group: int, leaf: str) -> bool:
    """Whether a leaf of a group has, or may have, rows that say nothing."""
    about = file.metadata.row_group(group)
    chunks = (about.column(i) for i in range(about.num_columns))
    known = next((chunk.statistics for chunk in chunks if chunk.path_in_schema == leaf), None)
    return known is None or not known.has_null_count or known.null_count > 0


def check_groups(file: pq.ParquetFile, column: str, shard: str) -> None:
    """UserError where a group of rows holds more bytes of pictures than are read at once."""
    about = file.metadata
    for group in range(about.num_row_groups):
        chunks = [about.row_group(group).column(i) for i in range(about.num_columns)]
        own = (one for one in chunks if one.path_in_schema.partition(".")[0] == column)
        if sum(one.total_uncompressed_size for one in own) > MAX_GROUP:
            raise UserError(
                f"a group of rows must hold at most {MAX_GROUP >> 20:,} MiB of pictures, but one of {shard} "
                "holds more; write it again with groups of 100 rows"
            )


def read_picture(top: Path, key: str, column: str, max_bytes: int) -> bytes:
    """The bytes of the picture at a key PATH#ROW below `top`.

    Raises FileNotFoundError where that row has none, TooLarge, or Refused for what is no key.
    """
    shard, _, number = key.rpartition(MARK)
    if not shard or not number.isdecimal():
        raise Refused("not a row of a shard")
    real = inside(top, shard)
    starts = _starts(real, real.stat().st_mtime_ns)
    row = int(number)
    group = next((at for at in range(len(starts) - 1) if starts[at] <= row < starts[at + 1]), None)
    if group is None:
        raise FileNotFoundError(f"{shard} has no row {row}")
    try:
        found = _group(real, real.stat().st_mtime_ns, group, column)[row - starts[group]]
    except (pa.ArrowException, IndexError) as error:
        raise Refused(f"the shard is damaged ({str(error)[:100]})") from None
    value = found["bytes"] if pa.types.is_struct(found.type) and found.is_valid else found
    if not value.is_valid:
        raise FileNotFoundError(f"row {row} of {shard} has no picture")
    size = value.as_buffer().size
    if size > max_bytes:
        raise TooLarge(f"{size:,} bytes, limit {max_bytes:,}")
    return value.as_py()


@lru_cache(maxsize=64)
def _starts(shard: Path, modified: int) -> list[int]:
    """The first row of each group, and the number of rows."""
    about, starts = pq.read_metadata(shard), [0]
    for group in range(about.num_row_groups):
        starts.append(starts[-1] + about.row_group(group).num_rows)
    return starts


@lru_cache(maxsize=1)
def _group(shard: Path, modified: int, group: int, column: str) -> pa.Array:
    """One group's pictures: neighbours are asked for one after the other."""
    return pq.ParquetFile(shard).read_row_group(group, columns=[column])[column].combine_chunks()
