"""Measurements on the compiled model and its batches: whether what is configured is what ran."""

from typing import Any

import keras
import numpy as np
import pandas as pd

from wikitopics.train.batches import Batches
from wikitopics.train.learner import Learner, difference
from wikitopics.train.losses import LossSettings
from wikitopics.train.record import fixed_batch_loss


def proof(part: Learner, train: Batches, loss: LossSettings, label_names: list[str]) -> dict[str, Any]:
    """What a run writes down of its training, as JSON-like values; call it after training.

    fixed_batch_loss: see there. augmented_difference: how far the first batch as training sees it is from
    the same pictures as they are, as a share of their mean absolute value; 0 where nothing is augmented.
    effective_weights: label -> [present, absent], see there. shown_images: positions in an epoch.
    """
    weights = effective_weights(part.model, label_names, loss.descent)
    return {
        "fixed_batch_loss": fixed_batch_loss(part.model, train, loss),
        "augmented_difference": difference(*part.first_batch(train)),
        "effective_weights": {row.label: [row.present, row.absent] for row in weights.itertuples()},
        "shown_images": len(train.rows),
    }


def same_weights(effective: dict[str, list[float]]) -> pd.DataFrame:
    """The effective weights of a proof, labels of the same weights in one row: present, absent, labels."""
    table = pd.DataFrame.from_dict(effective, orient="index", columns=["present", "absent"]).round(2) + 0.0
    table["labels"] = table.index
    return table.groupby(["present", "absent"])["labels"].agg(", ".join).reset_index()


def effective_weights(
    model: keras.Model, label_names: list[str], descent: np.ndarray | None = None
) -> pd.DataFrame:
    """How hard each label pulls in the compiled loss: label, present, absent; plain cross-entropy has 1.

    Measured: the loss of one image is asked at scores just below and just above a half for one label after
    the other, once where the label is there and once where it is not. Labels above it in a hierarchy
    (`descent`, as the loss has it) are given higher scores and labels below lower ones, so that the
    constraint passes on nothing of the difference.
    """
    count, step = len(label_names), 0.01
    below = np.eye(count, dtype=bool) if descent is None else descent
    scores = 0.5 + 0.2 * (below.T.astype(float) - below)  # row: the label asked for
    moved = step * np.eye(count)
    unit = np.log((0.5 + step) / (0.5 - step)) / count

    def loss(target: np.ndarray, score: np.ndarray) -> np.ndarray:
        pairs = zip(target[:, None].astype("float32"), score[:, None].astype("float32"), strict=True)
        return np.array([float(model.compute_loss(y=y, y_pred=p)) for y, p in pairs])

    present, absent = below.T, np.zeros_like(below)
    return pd.DataFrame(
        {
            "label": label_names,
            "present": (loss(present, scores - moved) - loss(present, scores + moved)) / unit,
            "absent": (loss(absent, scores + moved) - loss(absent, scores - moved)) / unit,
        }
    )
