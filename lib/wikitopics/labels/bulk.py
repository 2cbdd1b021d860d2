"""Labelling tables of files too large for memory: Parquet in, Parquet out, in portions."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.climb import Ladder
from wikitopics.labels.file_labels import mean_by_row
from wikitopics.labels.heuristics import CategoryLabels
from wikitopics.progress import report

PORTION = 500_000  # files
TOGETHER = 8  # labels whose shares are carried at once
LEAST = np.float16(2.0**-14)  # so that a label's score is never rounded to 0


def label_parquet(found: CategoryLabels, files: Path, out: Path) -> dict[str, int]:
    """Label the table `files` (title, categories) into the table `out` (title, labels, scores), in its order.

    The same labels and, up to the precision of float16, the same scores as `file_labels.label_files`.
    Returns counts: files, files with a label, labels given, categories of files that the graph does not have.
    """
    place, share = compact_shares(found)
    counts = {"files": 0, "files with a label": 0, "labels": 0, "categories of files that have no page": 0}
    with replacing(out) as temporary:
        writer = pq.ParquetWriter(temporary, schema(), compression="zstd")
        for titles, row, category in portions(found.graph, files):
            counts["categories of files that have no page"] += int((category < 0).sum())
            at = np.append(place, -1)[category]
            scores = mean_by_row(share[at[at >= 0]], row[at >= 0], len(titles))
            table = labels_table(titles, scores, found.taxonomy.label_names)
            writer.write_table(table)
            counts["files"] += len(titles)
            counts["labels"] += int((scores > 0).sum())
            counts["files with a label"] += int((scores > 0).any(axis=1).sum())
            report("labelling files", counts["files"], pq.read_metadata(files).num_rows)
        writer.close()
    return counts


def compact_shares(found: CategoryLabels) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int32 row of each category that has labels (-1: none), and those rows: (k, n_labels) float16.

    A row holds the shares of `file_labels.shares`; they are carried a few labels at a time.
    """
    kept = np.flatnonzero(found.masks)
    place = np.full(len(found.masks), -1, dtype=np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    n_labels = len(found.taxonomy.label_names)
    share = np.zeros((len(kept), n_labels), dtype=np.float16)
    ladder = Ladder(found.hops, found.graph.depth)
    for first in range(0, n_labels, TOGETHER):
        bits = np.arange(first, min(first + TOGETHER, n_labels), dtype=np.uint64)
        has = (found.masks[:, None] >> bits & np.uint64(1)).astype(np.float32)
        values = ladder.average(has.copy())[kept]
        share[:, first : first + len(bits)] = np.where(has[kept] > 0, np.maximum(values, LEAST), 0)
    return place, share


def portions(graph: CategoryGraph, files: Path) -> Iterator[tuple[pa.Array, np.ndarray, np.ndarray]]:
    """(titles, row, category) of some files at a time: every category of every file, -1 for a red link."""
    table = pq.ParquetFile(files)
    missing = {"title", "categories"} - set(table.schema_arrow.names)
    if missing:
        raise UserError(
            f"files must have the columns title and categories, but have no {missing.pop()}; add it"
        )
    lists = table.read(["categories"])["categories"]
    category = graph.find(pc.list_flatten(lists))  # all at once: the index of titles is built once
    length = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    del lists
    start, first = 0, 0
    for batch in table.iter_batches(PORTION, columns=["title"]):
        part = length[start : start + len(batch)]
        row = np.repeat(np.arange(len(batch), dtype=np.int32), part)
        yield batch["title"], row, category[first : first + len(row)]
        start, first = start + len(batch), first + len(row)


def schema() -> pa.Schema:
    """Columns of the labelled table."""
    return pa.schema(
        {"title": pa.string(), "labels": pa.list_(pa.string()), "scores": pa.list_(pa.float32())}
    )


def labels_table(titles: pa.Array, scores: np.ndarray, label_names: tuple[str, ...]) -> pa.Table:
    """title, labels (score above 0, in label_names order), scores; one row per file."""
    row, column = np.nonzero(scores)
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(scores)))]).astype(np.int32)
    names = pa.array(label_names).take(pa.array(column))
    lists = [
        pa.ListArray.from_arrays(pa.array(ends), flat) for flat in (names, pa.array(scores[row, column]))
    ]
    return pa.Table.from_arrays([titles.cast(pa.string()), *lists], schema=schema())
