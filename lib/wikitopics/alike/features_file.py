"""Features as a Parquet table: one row a picture, written table by table, read without holding all of it."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.alike.embedder import About
from wikitopics.artefacts import read_array, replacing
from wikitopics.errors import UserError
from wikitopics.scoring.results import readable, with_gaps

SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("features", pa.list_(pa.float32())),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)
ROWS = 4096  # read at once
ABOUT = b"wikitopics features"


class Features(NamedTuple):
    """The features of some pictures, as a file of `wikitopics embed` holds them.

    paths (n) and their vectors (n, d) float32, memory-mapped; about: where they come from; unreadable: rows
    of the file that have no vector, as path, reason, detail.
    """

    paths: list[str]
    vectors: np.ndarray
    about: About
    unreadable: pd.DataFrame


def schema(about: About) -> pa.Schema:
    """SCHEMA with what is known of the network."""
    return SCHEMA.with_metadata({ABOUT: about.text()})


def rows(paths: list[str], features: np.ndarray, rejected: pd.DataFrame, about: About) -> pa.Table:
    """One row for each of `paths`, in order; those at the places that `rejected` (index: place; reason,
    detail) has, see scoring.decoding.decoded, have no features."""
    bad = np.isin(np.arange(len(paths)), rejected.index)
    columns = {
        "path": [readable(path) for path in paths],
        "features": pa.array(with_gaps(bad, features, []), SCHEMA.field("features").type),
    }
    for name in ("reason", "detail"):
        columns[name] = rejected[name].reindex(range(len(paths)), fill_value="").tolist()
    return pa.table(columns, schema=schema(about))


def read_features(path: Path, folder: Path) -> Features:
    """The pictures of a file of `wikitopics embed` that have features; vectors go to a file in `folder`.

    Raises UserError for a file of something else, for vectors of another width and for numbers that are not
    finite.
    """
    about, file = read_about(path)
    reasons = file.read(["reason"])["reason"].to_pylist()
    good = np.array([not reason for reason in reasons], bool)
    paths, bad, done = [], [SCHEMA.empty_table().select([0, 2, 3])], 0
    shape = (int(good.sum()), about.width)
    with replacing(folder / "features.npy") as temporary, open(temporary, "wb") as vectors:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(vectors, header)
        for batch in file.iter_batches(ROWS):
            table, some = pa.Table.from_batches([batch]), good[done : done + len(batch)]
            vectors.write(_matrix(table["features"].filter(some), about.width, path).tobytes())
            paths += table["path"].filter(some).to_pylist()
            bad.append(table.filter(~some).select(bad[0].column_names))
            done += len(batch)
    unreadable = pa.concat_tables([table.replace_schema_metadata() for table in bad]).to_pandas()
    return Features(paths, read_array(folder / "features.npy"), about, unreadable)


def read_about(path: Path) -> tuple[About, pq.ParquetFile]:
    """What a file of `wikitopics embed` says of itself, and the file, opened; UserError for another file."""
    try:
        file = pq.ParquetFile(path)
        about = About(**json.loads(file.schema_arrow.metadata[ABOUT]))
        if file.schema_arrow.names != SCHEMA.names or file.schema_arrow.types != SCHEMA.types:
            raise TypeError("its columns are others")
        if not isinstance(about.width, int) or not 1 <= about.width <= 1 << 16:
            raise ValueError(f"width {about.width!r}")
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"features must be a Parquet file of `wikitopics embed`, but {Path(path).name} is none "
            f"({(str(error).splitlines() or [''])[0][:120]}); name such a file"
        ) from None
    return about, file


def _matrix(column: pa.ChunkedArray, width: int, path: Path) -> np.ndarray:
    lists = column.combine_chunks()
    lengths = np.diff(np.asarray(lists.offsets))
    flat = np.asarray(lists.flatten())
    wrong = lengths != width
    if wrong.any() or len(flat) != len(lists) * width:
        found = int(lengths[wrong][0]) if wrong.any() else 0
        raise UserError(
            f"features must be {width} numbers for each picture, but in {Path(path).name} one has {found}; "
            "compute them again"
        )
    if not np.isfinite(flat).all():
        raise UserError(
            f"features must be finite numbers, but some in {Path(path).name} are not; compute them again"
        )
    return flat.reshape(len(lists), width).astype("<f4", copy=False)
