"""What is learned from: images and labels joined by title, in batches whose order a seed decides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from wikitopics.artefacts import read_json, read_table
from wikitopics.errors import UserError
from wikitopics.images.exact_copies import labels_of_kept
from wikitopics.images.squares import Squares, read_squares
from wikitopics.labels.taxonomy import label_matrix


@dataclass(frozen=True)
class Examples:
    """Images and their labels, row by row.

    frame: images.parquet (title, row, group, split, ...); pixels: (m, s, s, 3) uint8 by frame.row, see
    images.squares; label_matrix: (n_images, n_labels) uint8 {0, 1}; confidences: (n_images, n_labels)
    float32, the label source's own scores, 0 where there is no label; label_names and parents as in
    label_names.json.
    """

    frame: pd.DataFrame
    pixels: Squares
    label_matrix: np.ndarray
    confidences: np.ndarray
    label_names: list[str]
    parents: dict[str, str | None]
    taxonomy: str

    def rows(self, split: str) -> np.ndarray:
        """Positions (n,) of the images of one split, in order."""
        return np.flatnonzero(self.frame.split.to_numpy() == split)


def read_examples(images: Path, labels: Path) -> Examples:
    """The examples of the folders of a finished images run and a finished labels run.

    Raises UserError where an image has no row in labels.parquet.
    """
    frame = read_table(images / "images.parquet")
    names = read_json(labels / "label_names.json")
    table = labels_of_kept(labels / "labels.parquet", images)
    label_matrix, confidences = _matrices(table, frame, names["label_names"])
    return Examples(
        frame,
        read_squares(images),
        label_matrix,
        confidences,
        names["label_names"],
        names["parents"],
        names["taxonomy"],
    )


def _matrices(table: pd.DataFrame, frame: pd.DataFrame, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The labels as a {0, 1} matrix and the confidences as a matrix, aligned with `frame`."""
    position = pd.Series(np.arange(len(table)), index=table.title).reindex(frame.title)
    if position.isna().any():
        missing = position.index[position.isna()]
        raise UserError(
            f"every image must have a row in the labels run, but {len(missing):,} of {len(frame):,} have "
            f"none ({missing[0]!r} first); name this labels run in `labels` of the images run"
        )
    chosen = table.iloc[position.to_numpy(dtype=int)]
    if not {label for labels in chosen.labels for label in labels} <= set(names):
        raise UserError(
            "labels.parquet must only use labels of its label_names.json, but has others; repeat its run"
        )
    return label_matrix(chosen.labels, names), label_matrix(chosen.labels, names, chosen.scores)


def keep_top_labels(examples: Examples, n: int) -> Examples:
    """Only the `n` labels that most training images have (0: every label that any has), in taxonomy order.

    Counted in train alone, so that the choice knows nothing of the test images. Images left without a label
    stay, as negatives of every label: a classifier meets such images too. Of labels with equal counts the
    earlier one is kept. Raises UserError where fewer than `n` labels have a training image.
    """
    counts = examples.label_matrix[examples.rows("train")].sum(axis=0, dtype=np.int64)
    usable = int((counts > 0).sum())
    if n > usable or usable == 0:
        raise UserError(
            f"labels_top must be at most the number of labels with a training image, {usable}, but is {n}; "
            "choose fewer, 0 to keep all of them, or another labels run"
        )
    kept = np.sort(np.argsort(-counts, kind="stable")[: n or usable])
    names = [examples.label_names[i] for i in kept]
    return Examples(
        examples.frame,
        examples.pixels,
        np.ascontiguousarray(examples.label_matrix[:, kept]),
        np.ascontiguousarray(examples.confidences[:, kept]),
        names,
        {name: nearest_kept(name, examples.parents, set(names)) for name in names},
        examples.taxonomy,
    )


def only(examples: Examples, kept: np.ndarray) -> Examples:
    """The examples at which the mask `kept` (n_images,) holds.

    Raises UserError where train or validation would be empty.
    """
    chosen = replace(
        examples,
        frame=examples.frame[kept].reset_index(drop=True),
        label_matrix=examples.label_matrix[kept],
        confidences=examples.confidences[kept],
    )
    for split in ("train", "validation"):
        if not len(chosen.rows(split)):
            raise UserError(
                f"{split} must have images, but of its {len(examples.rows(split)):,} none is left; give "
                "features of them too"
            )
    return chosen


def targets(examples: Examples, split: str, kind: str = "labels") -> np.ndarray:
    """What the images of a split are to be given: (n, L) float32 in [0, 1], above 0 where there is a label.

    kind: "labels" for 1, "confidences" for how sure the label's source is of it. Raises UserError where a
    source's confidence is not above 0 and at most 1.
    """
    rows = examples.rows(split)
    if kind == "labels":
        return examples.label_matrix[rows].astype(np.float32)
    found = examples.confidences[rows]
    given = found[examples.label_matrix[rows] > 0]
    if not ((given > 0) & (given <= 1)).all():
        raise UserError(
            "a label's confidence must be above 0 and at most 1 to learn from it, but "
            f"{int(((given <= 0) | (given > 1)).sum()):,} of {split} are not; set targets: labels"
        )
    return found


def nearest_kept(name: str, parents: dict[str, str | None], kept: set[str]) -> str | None:
    """The nearest ancestor of `name` that is kept too.

    >>> nearest_kept("Plants", {"Plants": "Nature", "Nature": "STEM", "STEM": None}, {"Plants", "STEM"})
    'STEM'
    """
    parent = parents.get(name)
    while parent is not None and parent not in kept:
        parent = parents.get(parent)
    return parent


def label_counts(examples: Examples) -> pd.DataFrame:
    """Images with each label: label, train, validation, and the label's share of train (the prior)."""
    train, validation = (examples.label_matrix[examples.rows(split)] for split in ("train", "validation"))
    return pd.DataFrame(
        {
            "label": examples.label_names,
            "train": train.sum(axis=0, dtype=np.int64),
            "validation": validation.sum(axis=0, dtype=np.int64),
            "share of train": train.mean(axis=0),
        }
    )


class Views:
    """Several versions of the same pictures, in arrays of their own; a batch takes one version of each.

    rows: (k,) sorted rows of the images run that the arrays (each (k, d)) hold, in this order.
    """

    def __init__(self, rows: np.ndarray, arrays: Sequence[np.memmap]):
        self.rows, self.arrays = np.asarray(rows), arrays
        self.shape = (len(arrays), *arrays[0].shape)

    def take(self, rows: np.ndarray, versions: np.ndarray) -> np.ndarray:
        """Of each of `rows` the version that `versions` (n,) names: (n, d)."""
        places = np.searchsorted(self.rows, rows)
        return np.stack([self.arrays[v][p] for v, p in zip(versions, places, strict=True)])


class Batches(keras.utils.PyDataset):
    """Pairs (inputs, targets) for Keras, shuffled by (seed, epoch) or, without a seed, in order.

    inputs: (m, ...) array-like, memory-mapped or not, or Views, of which each epoch draws one version of
    each picture; rows: (n,) indices into it, repeated where a picture is shown twice; targets: (n, n_labels).
    The trainer sets `epoch` before each epoch; nothing else is remembered.
    """

    def __init__(
        self,
        inputs: "np.ndarray | Views",
        rows: np.ndarray,
        targets: np.ndarray,
        batch_size: int,
        seed: int | None = None,
    ):
        super().__init__()
        self.inputs, self.rows, self.targets = inputs, np.asarray(rows), np.asarray(targets, np.float32)
        self.batch_size, self.seed = batch_size, seed
        self.epoch = 0
        self._drawn: tuple = (None,)

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        return self.between(number, number + 1)

    def between(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of the batches from `start` up to `stop`, one behind the other."""
        return self.take(self.places(start, stop))

    def places(self, start: int, stop: int) -> np.ndarray:
        """Positions of the images of these batches."""
        if self._drawn[0] != self.epoch:  # a million images take longer to shuffle than to look up
            self._drawn = (self.epoch, self.order())
        return self._drawn[1][start * self.batch_size : stop * self.batch_size]

    def take(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets at some positions."""
        rows = self.rows[chosen]
        if isinstance(self.inputs, Views):
            versions = self.versions(len(self.inputs.arrays))[chosen]
            return self.inputs.take(rows, versions), self.targets[chosen]
        return self.inputs[rows], self.targets[chosen]

    def first(self) -> tuple[np.ndarray, np.ndarray]:
        """The first batch in stored order, the same in every run."""
        return self.take(np.arange(min(self.batch_size, len(self.rows))))

    def order(self) -> np.ndarray:
        """Positions 0..n-1 in this epoch's order."""
        if self.seed is None:
            return np.arange(len(self.rows))
        return np.random.default_rng([self.seed, self.epoch]).permutation(len(self.rows))

    def versions(self, number: int) -> np.ndarray:
        """Which of `number` versions of each picture this epoch sees, (n,); copies draw for themselves."""
        rng = np.random.default_rng([self.seed or 0, self.epoch, 1])
        return rng.integers(number, size=len(self.rows))


def predicted(model: keras.Model, batches: Batches) -> np.ndarray:
    """The model's outputs (n, ...), batch by batch; for a head five times cheaper than Keras' `predict`."""
    return np.concatenate([of_batch(model, batches[number][0]) for number in range(len(batches))])


def of_batch(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """The model's outputs of one batch; of a model on several devices each gives them all, and one counts."""
    return model.predict_on_batch(inputs)[: len(inputs)]
