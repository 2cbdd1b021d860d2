"""Exact copies: one picture under several titles is kept once, with all that was said of any of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.artefacts import read_table


def labels_of_kept(table: Path, images: Path) -> pd.DataFrame:
    """The rows of a table of labels, where a picture that was kept has those of its exact copies too.

    table: see with_labels_of_copies; images: folder of a 02_images run; without duplicates nothing is joined.
    """
    labels, duplicates = read_table(table), images / "duplicates.parquet"
    return with_labels_of_copies(labels, read_table(duplicates)) if duplicates.exists() else labels


def with_labels_of_copies(labels: pd.DataFrame, duplicates: pd.DataFrame) -> pd.DataFrame:
    """`labels` (title, labels, scores where there are any) with those of exact copies given to the one kept.

    duplicates: title, duplicate_of, kind, as 02_images writes them. A label that several have keeps the
    highest score; labels that the kept picture lacked come after its own. Copies keep their own rows.

    >>> labels = pd.DataFrame({"title": ["a", "b"], "labels": [["Cat"], ["Animal", "Cat"]],
    ...                        "scores": [[0.5], [0.9, 0.8]]})
    >>> copies = pd.DataFrame({"title": ["b"], "duplicate_of": ["a"], "kind": ["exact"]})
    >>> with_labels_of_copies(labels, copies).iloc[0].tolist()
    ['a', ['Cat', 'Animal'], [0.8, 0.9]]
    """
    exact = duplicates[duplicates["kind"] == "exact"]
    place = pd.Series(np.arange(len(labels)), index=labels["title"])
    exact = exact[exact["title"].isin(place.index) & exact["duplicate_of"].isin(place.index)]
    if exact.empty:
        return labels
    columns = [name for name in ("labels", "scores") if name in labels]
    joined = {name: labels[name].tolist() for name in columns}
    for kept, titles in exact.groupby("duplicate_of", sort=False)["title"]:
        own = place[kept]
        rows = [own, *place[titles.to_list()]]
        best: dict[str, float] = {}
        for row in rows:
            scores = joined["scores"][row] if "scores" in joined else [1.0] * len(joined["labels"][row])
            for label, score in zip(joined["labels"][row], scores, strict=True):
                best[label] = max(score, best.get(label, score))
        told = {"labels": list(best), "scores": list(best.values())}
        for name in columns:
            joined[name][own] = told[name]
    return labels.assign(**{name: pd.Series(joined[name], index=labels.index) for name in columns})


def matrix_of_copies(matrix: np.ndarray, rows: pd.Series, exact: pd.DataFrame) -> tuple[np.ndarray, int]:
    """A label matrix (n, L) {0, 1} with exact copies' labels given to each kept picture; how many are new.

    rows: the row of each title; exact: title, duplicate_of.

    >>> matrix, new = matrix_of_copies(np.array([[1, 0], [1, 1]]), pd.Series([0, 1], index=["a", "b"]),
    ...                                pd.DataFrame({"title": ["b"], "duplicate_of": ["a"]}))
    >>> matrix[0].tolist(), new
    ([1, 1], 1)
    """
    joined = matrix.copy()
    np.maximum.at(joined, rows[exact["duplicate_of"]].to_numpy(), matrix[rows[exact["title"]].to_numpy()])
    return joined, int(joined.sum(dtype=np.int64) - matrix.sum(dtype=np.int64))
