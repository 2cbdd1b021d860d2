"""Which files become the image set: those that the label runs labelled."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from wikitopics.artefacts import finished_run, read_json, read_table
from wikitopics.errors import UserError
from wikitopics.labels.lineage import label_matrix
from wikitopics.sources import Source, open_source


@dataclass(frozen=True)
class Selection:
    """The chosen files and what every label run says about them.

    files: title, path. label_names: "RUN: LABEL" of all runs. label_matrix: (files, labels) {0, 1} uint8, in
    the order of both. funnel: [{"step", "files"}] so far.
    """

    source: Source
    files: pd.DataFrame
    label_names: list[str]
    label_matrix: np.ndarray
    funnel: list[dict]

    def matrix_of(self, titles: pd.Series) -> np.ndarray:
        """The rows of label_matrix for these titles, in their order."""
        return self.label_matrix[pd.Index(self.files["title"]).get_indexer(titles)]


def select_files(runs: list[str], labelled_by: str) -> Selection:
    """Files that have a label from "all" or from "any" of the label runs, in the source's order.

    Raises UserError for runs that are not finished or of different sources, or when no file is left.
    """
    folders = {run: finished_run("01_labels", run) for run in runs}
    sources = {run: read_json(folder / "source.json") for run, folder in folders.items()}
    first = runs[0]
    for run, described in sources.items():
        if described != sources[first]:
            raise UserError(
                f"all label runs of an image set must label one source, but {first!r} and {run!r} do not; "
                "name runs of one source"
            )
    files = read_table(folders[first] / "files.parquet", ["title", "path"])
    parts = [_matrix_of_run(run, folder, files["title"]) for run, folder in folders.items()]
    labelled = np.column_stack([matrix.any(axis=1) for _, matrix in parts])
    chosen = labelled.all(axis=1) if labelled_by == "all" else labelled.any(axis=1)
    funnel = [{"step": "files of the source", "files": len(files)}]
    funnel += [
        {"step": f"labelled by {run}", "files": int(n)} for run, n in zip(runs, labelled.sum(0), strict=True)
    ]
    funnel += [{"step": f"labelled by {labelled_by} of {', '.join(runs)}", "files": int(chosen.sum())}]
    if not chosen.any():
        raise UserError(
            f"an image set needs labelled files, but none is labelled by {labelled_by} of {', '.join(runs)}; "
            "take other label runs or labelled_by any"
        )
    return Selection(
        open_source(sources[first]["source"], **sources[first]["options"]),
        files[chosen].reset_index(drop=True),
        [name for names, _ in parts for name in names],
        np.concatenate([matrix for _, matrix in parts], axis=1)[chosen],
        funnel if len(runs) > 1 else funnel[:2],
    )


def _matrix_of_run(run: str, folder, titles: pd.Series) -> tuple[list[str], np.ndarray]:
    """What one label run says: names "RUN: LABEL", and a (titles, labels) uint8 matrix."""
    names = read_json(folder / "label_names.json")["label_names"]
    labels = read_table(folder / "labels.parquet", ["title", "labels"])
    labels = labels[labels["labels"].map(len) > 0]
    rows = pd.Index(titles).get_indexer(labels["title"])
    if (rows < 0).any():
        raise UserError(
            f"all label runs of an image set must know the same files, but {run!r} has {(rows < 0).sum()} "
            "others; run 01_labels again for all of them"
        )
    matrix = np.zeros((len(titles), len(names)), dtype=np.uint8)
    matrix[rows] = label_matrix(labels["labels"], names)
    return [f"{run}: {name}" for name in names], matrix
