"""Batches whose order depends on the seed and the epoch alone, so that a resumed run sees what it missed."""

import keras
import numpy as np


class Batches(keras.utils.PyDataset):
    """Pairs (inputs, targets) for Keras, shuffled by (seed, epoch) or, without a seed, in order.

    inputs: (m, ...) array-like, memory-mapped or not; rows: (n,) indices into it; targets: (n, n_labels).
    The trainer sets `epoch` before each epoch; nothing else is remembered.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        rows: np.ndarray,
        targets: np.ndarray,
        batch_size: int,
        seed: int | None = None,
    ):
        super().__init__()
        self.inputs, self.rows, self.targets = inputs, np.asarray(rows), np.asarray(targets, np.float32)
        self.batch_size, self.seed = batch_size, seed
        self.epoch = 0

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order()[number * self.batch_size : (number + 1) * self.batch_size]
        return self.inputs[self.rows[chosen]], self.targets[chosen]

    def order(self) -> np.ndarray:
        """Positions 0..n-1 in this epoch's order."""
        if self.seed is None:
            return np.arange(len(self.rows))
        return np.random.default_rng([self.seed, self.epoch]).permutation(len(self.rows))


def predicted(model: keras.Model, batches: Batches) -> np.ndarray:
    """The model's outputs (n, ...), batch by batch; for a head five times cheaper than Keras' `predict`."""
    return np.concatenate([model.predict_on_batch(batches[number][0]) for number in range(len(batches))])
