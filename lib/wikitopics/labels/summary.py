"""Tables about labelled files: counts, co-occurrence, examples."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.labels.labelled import Labelled
from wikitopics.labels.lineage import label_matrix

MOST_BYTES = 50_000_000  # of a file that is shown


def label_counts(labelled: Labelled) -> pd.DataFrame:
    """Each label, parent, files, share (of all), alone (files with none of its children), mean_score."""
    names, parents = labelled.label_names, labelled.taxonomy.parents
    matrix = label_matrix(labelled.labels["labels"], names)
    child_of = np.array([[parents[child] == name for name in names] for child in names], dtype=np.uint8)
    alone = (matrix.astype(bool) & (matrix @ child_of == 0)).sum(axis=0)
    rows = labelled.labels[["labels", "scores"]].explode(["labels", "scores"]).dropna()
    score = rows.astype({"scores": float}).groupby("labels")["scores"].mean()
    return pd.DataFrame(
        {
            "label": names,
            "parent": [parents[name] or "" for name in names],
            "files": matrix.sum(axis=0, dtype=int),
            "share": matrix.mean(axis=0),
            "alone": alone,
            "mean_score": [score.get(name, np.nan) for name in names],
        }
    )


def co_occurrence(labelled: Labelled, most: int = 28) -> pd.DataFrame:
    """Share of the files with the row's label that also have the column's; the `most` frequent labels."""
    matrix = label_matrix(labelled.labels["labels"], labelled.label_names).astype(np.float32)
    frequent = np.sort(np.argsort(-matrix.sum(axis=0), kind="stable")[:most])
    together = matrix[:, frequent].T @ matrix[:, frequent]
    names = [labelled.label_names[i] for i in frequent]
    return pd.DataFrame(together / np.maximum(np.diag(together), 1)[:, None], index=names, columns=names)


def labels_per_file(labelled: Labelled) -> pd.DataFrame:
    """How many files have 0, 1, 2 ... labels: labels, files."""
    counts = np.bincount(labelled.labels["labels"].map(len))
    return pd.DataFrame({"labels": np.arange(len(counts)), "files": counts})


def examples(labelled: Labelled, files: pd.DataFrame, per_label: int, labels: int, seed: int) -> pd.DataFrame:
    """Files drawn at random for the most frequent labels that have no children: label, title, path, score.

    `per_label` files for each of `labels` labels, no file twice.
    """
    rng = np.random.default_rng(seed)
    counts = label_counts(labelled)
    leaves = counts[~counts["label"].isin(counts["parent"])].nlargest(labels, "files")["label"]
    rows = labelled.labels[["title", "labels", "scores"]].explode(["labels", "scores"])
    rows = rows.set_axis(["title", "label", "score"], axis=1).merge(files[["title", "path"]], on="title")
    rows = rows.iloc[rng.permutation(len(rows))].drop_duplicates("title")
    rows = rows[rows["label"].isin(leaves)].groupby("label", sort=False).head(per_label)
    order = {label: i for i, label in enumerate(leaves)}
    return rows.sort_values("label", key=lambda column: column.map(order), kind="stable").reset_index(
        drop=True
    )


def by_title(
    source: Any, files: pd.DataFrame, decode: Callable[[bytes], Any], errors: tuple[type[Exception], ...]
) -> Callable[[str], np.ndarray | None]:
    """A function from a title to its decoded `pixels` ((h, w, 3) uint8), None for what is no picture.

    `source.read` and `decode` keep their own limits; `errors` are what they raise for a bad file.
    """
    path = files.set_index("title")["path"]

    def pixels(title: str) -> np.ndarray | None:
        try:
            return decode(source.read(path[title], MOST_BYTES)).pixels
        except errors:
            return None

    return pixels


def pictures(see: Callable[[str], np.ndarray | None], titles: Sequence[str]) -> list[np.ndarray]:
    """The pictures of some titles; a grey square for each that `see` has none of."""
    grey = np.full((64, 64, 3), 200, dtype=np.uint8)
    found = [see(title) for title in titles]
    return [grey if pixels is None else pixels for pixels in found]
