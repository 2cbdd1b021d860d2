"""From categories to files: the union of a file's categories' labels, and how far each can be trusted."""

import numpy as np
import pandas as pd
import pyarrow as pa

from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.climb import Ladder
from wikitopics.labels.heuristics import CategoryLabels


def label_files(found: CategoryLabels, files: pd.DataFrame) -> pd.DataFrame:
    """The labels table of `files` (title, categories): title, labels, scores, evidence; one row per file.

    A file has the labels of all its categories. A label's score is the probability that a random walk ends
    at an anchor of the label: it starts at any of the file's labelled categories with equal chances and takes
    any hop of the winning rule with equal chances. `evidence`: how many of its categories have labels.
    """
    row, category = file_categories(found.graph, files)
    labelled = found.masks[category] != 0
    row, category = row[labelled], category[labelled]
    scores = mean_by_row(shares(found)[category], row, len(files))
    table = labels_table(files["title"], scores, found.taxonomy.label_names)
    return table.assign(evidence=np.bincount(row, minlength=len(files)).astype(np.int32))


def file_categories(graph: CategoryGraph, files: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(row of the file, index of the category) of every category that the graph has, in the files' order."""
    lists = pa.array(files["categories"], pa.list_(pa.string()))
    row = np.repeat(np.arange(len(files)), lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
    category = graph.find(lists.flatten())
    return row[category >= 0], category[category >= 0]


def shares(found: CategoryLabels) -> np.ndarray:
    """Share of random walks from each category that end at an anchor of each label: (n, n_labels) float32.

    Above 0 exactly where the label's bit is set in the category's mask, up to the precision of float32.
    """
    has = bits(found.masks, 0, len(found.taxonomy.label_names))
    return Ladder(found.hops, found.graph.depth).average(has.astype(np.float32))


def bits(masks: np.ndarray, first: int, last: int) -> np.ndarray:
    """Bits first ... last - 1 of each mask, `first` a multiple of 8: (n, last - first) uint8.

    >>> bits(np.array([5, 256], dtype=np.uint64), 0, 9).tolist()
    [[1, 0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 1]]
    """
    octets = masks.astype("<u8").view(np.uint8).reshape(len(masks), 8)[:, first // 8 : -(-last // 8)]
    return np.unpackbits(octets, axis=1, bitorder="little")[:, : last - first]


def mean_by_row(values: np.ndarray, row: np.ndarray, n_rows: int) -> np.ndarray:
    """Mean of the values of each row, 0 for rows without any; `row` is sorted: (n_rows, k) float32."""
    total = np.zeros((n_rows, values.shape[1]), dtype=np.float32)
    if len(row):
        first = np.flatnonzero(np.diff(row, prepend=-1))
        size = np.diff(first, append=len(row)).astype(np.float32)
        total[row[first]] = np.add.reduceat(values, first, axis=0) / size[:, None]
    return total


def labels_table(titles: pd.Series, scores: np.ndarray, label_names: tuple[str, ...]) -> pd.DataFrame:
    """One row per file: title, labels (of a score above 0, in label_names order), scores (float32)."""
    names = np.array(label_names, dtype=object)
    has = scores > 0
    return pd.DataFrame(
        {
            "title": titles.to_numpy(),
            "labels": [names[h].tolist() for h in has],
            "scores": [s[h] for s, h in zip(scores, has, strict=True)],
        }
    )
