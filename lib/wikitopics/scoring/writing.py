"""Results as a file that grows table by table: Parquet, or lines of JSON."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from wikitopics.scoring.parts import Write, parquet_writer
from wikitopics.scoring.results import liftwing


@contextmanager
def lines_writer(path: Path, schema: pa.Schema) -> Iterator[Write]:
    """A function that appends tables of scoring.results.schema as lines of JSON, see results.liftwing."""
    label_names = json.loads(schema.metadata[b"wikitopics"])["label_names"]
    with open(path, "w", encoding="utf-8") as file:
        yield lambda table: file.writelines(line + "\n" for line in liftwing(table, label_names))


FORMATS = {".parquet": parquet_writer, ".jsonl": lines_writer}
