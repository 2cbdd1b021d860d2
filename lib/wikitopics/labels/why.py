"""Why a file has a label: the category it began at, the path, the rule of each hop, the anchor."""

import numpy as np
import pandas as pd
import pyarrow as pa

from wikitopics.labels.file_labels import file_categories, shares
from wikitopics.labels.heuristics import CategoryLabels
from wikitopics.labels.hops import Hops

COLUMNS = ["title", "label", "score", "start", "path", "rules", "anchor"]


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
    paths = shortest_paths(found, number, start)
    names = found.graph.titles.take(pa.array(np.maximum(paths, 0).ravel())).to_pylist()
    width = paths.shape[1]
    path = [
        names[i * width : i * width + length] for i, length in enumerate((paths >= 0).sum(axis=1).tolist())
    ]
    rules = [[found.rules[r] for r in found.rule[p[: len(n) - 1]]] for p, n in zip(paths, path, strict=True)]
    ends = {"start": [p[0] for p in path], "anchor": [p[-1] for p in path]}
    return pd.DataFrame({"row": row, "path": path, "rules": rules, **ends})


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
