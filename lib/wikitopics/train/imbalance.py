"""How unequal labels are, and how often rare ones sit beside frequent ones: measures from the literature."""

import numpy as np
import pandas as pd


def imbalance_ratios(label_matrix: np.ndarray) -> np.ndarray:
    """How much rarer each label is than the most frequent one (IRLbl), in images: (L,) float64, at least 1.

    Charte et al. 2015, Addressing imbalance in multilabel classification, eq. 1. A label that no image has
    gets infinity. label_matrix: (n, L) {0, 1}.

    >>> imbalance_ratios(np.array([[1, 0], [1, 1]])).tolist()
    [1.0, 2.0]
    """
    counts = label_matrix.sum(axis=0, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(counts > 0, counts.max(initial=0) / counts, np.inf)


def mean_ratio(label_matrix: np.ndarray) -> float:
    """The mean of IRLbl (MeanIR) over the labels that some image has (eq. 2 there); nan without any."""
    ratios = imbalance_ratios(label_matrix)
    known = ratios[np.isfinite(ratios)]
    return float(known.mean()) if len(known) else float("nan")


def concurrence(label_matrix: np.ndarray) -> float:
    """How much rare and frequent labels share images (SCUMBLE), 0 (never) to 1.

    Charte et al. 2014, Concurrence among Imbalanced Labels, eq. 3: the mean over images of 1 - geometric /
    arithmetic mean of the IRLbl of the image's own labels. An image with one label or none gives 0. (The
    paper writes the root over all labels; its published values take that over the image's labels.)
    """
    logs = np.log(
        imbalance_ratios(label_matrix), where=label_matrix.any(axis=0), out=np.zeros(label_matrix.shape[1])
    )
    own = label_matrix.sum(axis=1, dtype=np.float64)
    rows = own > 0
    geometric = np.exp(label_matrix[rows] @ logs / own[rows])
    arithmetic = label_matrix[rows] @ np.exp(logs) / own[rows]
    return float((1 - geometric / arithmetic).sum() / max(len(label_matrix), 1))


def imbalance_table(label_matrix: np.ndarray, chosen: np.ndarray) -> pd.DataFrame:
    """Imbalance of the training images and, where other positions than all are `chosen`, of those too."""
    everything = np.array_equal(chosen, np.arange(len(label_matrix)))
    return imbalance({"train": label_matrix} | ({} if everything else {"as shown": label_matrix[chosen]}))


def imbalance(parts: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row for each label matrix: part, images, labels per image, largest IRLbl, MeanIR, SCUMBLE."""
    return pd.DataFrame(
        {
            "part": part,
            "images": len(matrix),
            "labels per image": matrix.sum(axis=1).mean(),
            "largest IRLbl": imbalance_ratios(matrix).max(initial=1),
            "MeanIR": mean_ratio(matrix),
            "SCUMBLE": concurrence(matrix),
        }
        for part, matrix in parts.items()
    )
