"""Results as a file that grows table by table: Parquet, or lines of JSON."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.scoring.results import liftwing, schema
from wikitopics.scoring.settings import Settings

Write = Callable[[pa.Table], None]


@contextmanager
def parquet_writer(path: Path, settings: Settings) -> Iterator[Write]:
    """Gives a function that appends tables of scoring.results.SCHEMA to one Parquet file."""
    with pq.ParquetWriter(path, schema(settings), compression="zstd") as writer:
        yield writer.write_table


@contextmanager
def lines_writer(path: Path, settings: Settings) -> Iterator[Write]:
    """Gives a function that appends such tables as lines of JSON, see scoring.results.liftwing."""
    with open(path, "w", encoding="utf-8") as file:
        yield lambda table: file.writelines(line + "\n" for line in liftwing(table, settings.label_names))


FORMATS = {".parquet": parquet_writer, ".jsonl": lines_writer}
