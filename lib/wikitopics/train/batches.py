"""Batches whose order depends on the seed and the epoch alone, so that a resumed run sees what it missed."""

from collections.abc import Sequence

import keras
import numpy as np


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
        if self._drawn[0] != self.epoch:  # a million images take longer to shuffle than to look up
            self._drawn = (self.epoch, self.order())
        return self.take(self._drawn[1][number * self.batch_size : (number + 1) * self.batch_size])

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
