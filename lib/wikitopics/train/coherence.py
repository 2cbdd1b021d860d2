"""Scores that never contradict the hierarchy: the max-constraint module of C-HMCNN(h).

Giunchiglia & Lukasiewicz 2020, Coherent Hierarchical Multi-Label Classification Networks, section 3: a label
gets the highest of its own score and those of all labels below it, so a parent is never less sure than its
child. For learning, a label that is present only hears the labels below it that are present too (MCLoss):
otherwise the easiest way to raise a parent would be to raise a child that is not there.
"""

import keras
import numpy as np
from keras import ops

from wikitopics.labels import taxonomy


def mask(hierarchy: str, label_names: list[str], parents: dict[str, str | None]) -> np.ndarray | None:
    """The (L, L) mask of "max_constraint" from the taxonomy, by the names of the labels; None for "none"."""
    return taxonomy.descent(label_names, parents) if hierarchy == "max_constraint" else None


def coherent(scores: np.ndarray, descent: np.ndarray | None) -> np.ndarray:
    """The max-constraint module in NumPy: scores (n, L) -> (n, L). `descent` None leaves them as they are."""
    return scores if descent is None else taxonomy.closed_upwards(scores, descent)


def constrained(scores, descent: np.ndarray):
    """The max-constraint module on tensors; scores (n, L) in [0, 1]."""
    mask = ops.cast(ops.convert_to_tensor(np.asarray(descent)), scores.dtype)
    return ops.max(
        scores[:, None, :] * mask[None], axis=-1
    )  # scores are not negative: 0 stands for "not below"


def learned_scores(targets, scores, descent: np.ndarray | None) -> tuple:
    """The scores by which a loss judges a label's presence, and those by which it judges its absence.

    Where a target is above 0 presence is judged by the highest score of present labels below it (MCLoss);
    everything else by the constrained score. Without a hierarchy both are the scores themselves.
    """
    if descent is None:
        return scores, scores
    there = ops.cast(targets > 0, scores.dtype)
    absent = constrained(scores, descent)
    return there * constrained(scores * there, descent) + (1 - there) * absent, absent


@keras.saving.register_keras_serializable("wikitopics")
class MaxConstraint(keras.layers.Layer):
    """The last layer of a coherent model: scores (n, L) -> scores (n, L). It has a mask, no weights."""

    def __init__(self, descent, **options):
        super().__init__(**options)
        self.descent = np.asarray(descent, bool)

    def call(self, scores):
        return constrained(scores, self.descent)

    def get_config(self):
        return super().get_config() | {"descent": self.descent.astype(int).tolist()}
