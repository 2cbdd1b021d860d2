"""From categories to files: the labels of a file, how far each can be trusted, and why it has them."""

import numpy as np
import pandas as pd
import pyarrow as pa

from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.heuristics import CategoryLabels, Hops, Ladder

COLUMNS = ["title", "label", "score", "start", "path", "rules", "anchor"]


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
    lists = pa.array(files["categories"].astype(object), pa.list_(pa.string()))  # of no files: numbers
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


def why_files(found: CategoryLabels, files: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """One row for every label of every file of `labels` (title, labels, scores); columns as in COLUMNS.

    `start` is the file's category from which most random walks end at the label, the first of equals;
    `path` is a shortest of the walks from there, both ends included, and `rules` names the rule of each hop.
    """
    row, category = file_categories(found.graph, files)
    share = shares(found)
    parts = []
    for number, label in enumerate(found.taxonomy.label_names):
        has = share[category, number] > 0
        best = _first_best(row[has], share[category[has], number])
        parts.append(_why_label(found, number, row[has][best], category[has][best]).assign(label=label))
    why = pd.concat(parts).sort_values("row", kind="stable").reset_index(drop=True)
    why["title"] = files["title"].to_numpy()[why["row"]]
    why["score"] = np.concatenate([np.empty(0, np.float32), *labels["scores"]])
    return why[COLUMNS]


def _first_best(row: np.ndarray, share: np.ndarray) -> np.ndarray:
    """For each row, where its largest share stands first."""
    order = np.lexsort((np.arange(len(row)), -share, row))
    return order[np.diff(row[order], prepend=-1) != 0]


def _why_label(found: CategoryLabels, number: int, row: np.ndarray, start: np.ndarray) -> pd.DataFrame:
    """row, path, rules, start, anchor; files with one start share their lists, which would fill memory."""
    starts, which = np.unique(start, return_inverse=True)
    paths = shortest_paths(found, number, starts)
    names = found.graph.titles.take(pa.array(np.maximum(paths, 0).ravel())).to_pylist()
    width = paths.shape[1]
    path = [
        names[i * width : i * width + length] for i, length in enumerate((paths >= 0).sum(axis=1).tolist())
    ]
    rules = [[found.rules[r] for r in found.rule[p[: len(n) - 1]]] for p, n in zip(paths, path, strict=True)]
    ends = {"start": [p[0] for p in path], "anchor": [p[-1] for p in path]}
    each = pd.DataFrame({"path": path, "rules": rules, **ends})
    return each.iloc[which].assign(row=row)


def shortest_paths(found: CategoryLabels, number: int, start: np.ndarray) -> np.ndarray:
    """A shortest path along the hops in use from each start to an anchor of label `number`: (k, longest) int.

    Rows are filled up with -1 behind the anchor. Every start must have the label.
    """
    has = (found.masks >> np.uint64(number)) & np.uint64(1) == 1
    onward = _next_step(
        found.hops.where(has[found.hops.source] & has[found.hops.target]), has & (found.rule < 0)
    )
    columns, here = [], start
    while (here >= 0).any():
        columns.append(here)
        here = np.where(here >= 0, onward[here], -1)
    return np.stack(columns, axis=1) if columns else np.empty((0, 1), dtype=np.int32)


def _next_step(hops: Hops, goals: np.ndarray) -> np.ndarray:
    """The category after each on a shortest way to a goal, the first of equals, -1 at goals: (n,) int32."""
    onward = np.full(len(goals), -1, dtype=np.int32)
    reached = goals.copy()
    while len(hops.source):
        found = hops.where(reached[hops.target])
        source, first = np.unique(found.source, return_index=True)
        onward[source], reached[source] = found.target[first], True
        left = hops.where(~reached[hops.source])
        if len(left.source) == len(hops.source):
            break
        hops = left
    return onward
