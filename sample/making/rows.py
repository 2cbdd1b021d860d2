"""One row of sample.parquet, and the file as a whole."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TEXTS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("title", pa.string()),
        ("image", pa.binary()),
        ("creator", pa.string()),
        ("licence", pa.string()),
        ("source_package", pa.string()),
        ("folder", pa.string()),
        ("tags", TEXTS),
        ("categories", TEXTS),
        ("articles", TEXTS),
        ("items", TEXTS),
        ("kind", pa.string()),
        ("copy_of", pa.string()),
    ]
)


@dataclass
class Row:
    """A file: title (unique), image (bytes as found), and the columns of DATA.md."""

    title: str
    image: bytes
    creator: str
    licence: str
    source_package: str
    folder: str
    kind: str
    tags: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    articles: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    copy_of: str = ""


def write_sample(path: Path, rows: list[Row]) -> None:
    """Rows in the order of their titles, as one Parquet file."""
    ordered = sorted(rows, key=lambda row: row.title)
    table = pa.Table.from_pylist([asdict(row) for row in ordered], schema=SCHEMA)
    pq.write_table(table, path, compression="zstd", row_group_size=500)
