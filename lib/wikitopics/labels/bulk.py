"""Labelling tables of files too large for memory: Parquet in, Parquet out, in portions."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
from wikitopics.labels.lookup import Texts
from wikitopics.progress import report

PORTION = 500_000  # files
LOOKED_UP = 4_000_000  # files whose categories are looked up at once
TOGETHER = 8  # labels whose shares are carried at once
LEAST = np.float16(2.0**-14)  # so that a label's score is never rounded to 0


def label_parquet(found: CategoryLabels, files: Path, out: Path) -> dict[str, int]:
    """Label the table `files` (title, categories) into the table `out` (title, labels, scores), in its order.

    The same labels and, up to the precision of float16, the same scores as `file_labels.label_files`.
    Returns counts: files, files with a label, labels given, categories of files that the graph does not have.
    """
    check_files(files)
    place, share = compact_shares(found)
    counts = Counter({"files": 0, "files with a label": 0, "labels": 0})
    with replacing(out) as temporary, pq.ParquetWriter(temporary, schema(), compression="zstd") as writer:
        for titles, row, category in portions(found.graph, files):
            at = np.append(place, -1)[category]
            scores = mean_by_row(share[at[at >= 0]], row[at >= 0], len(titles))
            writer.write_table(labels_table(titles, scores, found.taxonomy.label_names))
            counts["files"] += len(titles)
            counts["files with a label"] += int((scores > 0).any(axis=1).sum())
            counts["labels"] += int((scores > 0).sum())
            counts["categories of files that have no page"] += int((category < 0).sum())
            report("labelling files", counts["files"], pq.read_metadata(files).num_rows)
    return dict(counts)


def check_files(files: Path) -> None:
    """UserError unless the table has title and categories."""
    missing = {"title", "categories"} - set(pq.read_schema(files).names)
    if missing:
        raise UserError(f"files must have title and categories, but have no {missing.pop()}; add the column")


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

    def carry(first: int) -> None:
        bits = np.arange(first, min(first + TOGETHER, n_labels), dtype=np.uint64)
        has = (found.masks[:, None] >> bits & np.uint64(1)).astype(np.float32)
        values = ladder.average(has.copy())[kept]
        share[:, first : first + len(bits)] = np.where(has[kept] > 0, np.maximum(values, LEAST), 0)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(carry, range(0, n_labels, TOGETHER)))
    return place, share


def portions(graph: CategoryGraph, files: Path) -> Iterator[tuple[pa.Array, np.ndarray, np.ndarray]]:
    """(titles, row, category) of some files at a time: every category of every file, -1 for a red link.

    The next portion is looked up while the present one is worked on.
    """
    table = pq.ParquetFile(files)
    groups = _together([table.metadata.row_group(i).num_rows for i in range(table.num_row_groups)])
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(_look_up, graph, files, groups[0]) if groups else None
        for i, _ in enumerate(groups):
            titles, length, category = ahead.result()
            ahead = pool.submit(_look_up, graph, files, groups[i + 1]) if i + 1 < len(groups) else None
            ends = np.concatenate([[0], np.cumsum(length)])
            for start in range(0, len(titles), PORTION):
                part = length[start : start + PORTION]
                row = np.repeat(np.arange(len(part), dtype=np.int32), part)
                first = ends[start]
                yield titles[start : start + PORTION], row, category[first : first + len(row)]


def _together(sizes: list[int]) -> list[list[int]]:
    """Row groups that are looked up at once: to index the graph's titles pays for millions of files."""
    groups, rows = [], 0
    for i, size in enumerate(sizes):
        if not groups or rows + size > LOOKED_UP:
            groups, rows = [*groups, []], 0
        groups[-1].append(i)
        rows += size
    return groups


def _look_up(
    graph: CategoryGraph, files: Path, groups: list[int]
) -> tuple[pa.ChunkedArray, np.ndarray, np.ndarray]:
    table = pq.ParquetFile(files).read_row_groups(groups, ["title", "categories"])
    length = pc.fill_null(pc.list_value_length(table["categories"]), 0).to_numpy()
    return table["title"], length, graph.find(pc.list_flatten(table["categories"]))


def schema() -> pa.Schema:
    """Columns of the labelled table."""
    return pa.schema(
        {"title": pa.string(), "labels": pa.list_(pa.string()), "scores": pa.list_(pa.float32())}
    )


def labels_table(titles: Texts, scores: np.ndarray, label_names: tuple[str, ...]) -> pa.Table:
    """title, labels (score above 0, in label_names order), scores; one row per file."""
    row, column = np.nonzero(scores)
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(scores)))]).astype(np.int32)
    names = pa.array(label_names).take(pa.array(column))
    labels = pa.ListArray.from_arrays(pa.array(ends), names)
    values = pa.ListArray.from_arrays(pa.array(ends), pa.array(scores[row, column]))
    return pa.table({"title": titles, "labels": labels, "scores": values}).cast(schema())
