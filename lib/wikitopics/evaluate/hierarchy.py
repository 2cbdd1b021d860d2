"""Metrics that know the hierarchy: contradictions in it, precision and recall with what lies above, leaves.

`descent` is the (L, L) matrix of labels.taxonomy.descent: [a, b] is true where label b is a or lies below a.
Numpy only; the model's side of it is train.coherence.
"""

import numpy as np
import pandas as pd

from wikitopics import ranking
from wikitopics.evaluate.metrics import averages, counts, nanmean, precision_recall_f1
from wikitopics.labels.taxonomy import closed_upwards, descent


def violations(values: np.ndarray, descent: np.ndarray) -> int:
    """How often a label above has less than a label below it: pairs of labels, counted over images.

    values: (n, L) scores, or {0, 1} predictions, where it is a label that is predicted without one above it.
    0 for every coherent model's scores; thresholds of their own for each label can still bring predictions
    into contradiction.

    >>> violations(np.array([[0.2, 0.7], [0.7, 0.7]]), np.array([[True, True], [False, True]]))
    1
    """
    values = np.asarray(values)
    pairs = np.argwhere(descent & ~np.eye(len(descent), dtype=bool))
    return int(sum((values[:, above] < values[:, below]).sum() for above, below in pairs))


def hierarchical(truth: np.ndarray, predicted: np.ndarray, descent: np.ndarray) -> dict[str, float]:
    """Hierarchical precision, recall and F1 (Kiritchenko et al. 2006; Silla & Freitas 2011, section 5).

    Truth and predictions (n, L) {0, 1} get the labels above them, then pairs of image and label are counted
    together: a wrong leaf under the right parent is half right. Keys "hierarchical precision", "... recall",
    "... f1"; precision is 0 where nothing was predicted, recall and F1 are NaN where nothing was to be found.
    """
    true, said = (closed_upwards(np.asarray(matrix, np.uint8), descent) for matrix in (truth, predicted))
    counts = (true & said, ~true.astype(bool) & said.astype(bool), true.astype(bool) & ~said.astype(bool))
    tp, fp, fn = (np.asarray(matrix.sum(), np.float64) for matrix in counts)
    values = precision_recall_f1(tp, fp, fn)
    names = ("hierarchical precision", "hierarchical recall", "hierarchical f1")
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def leaves(descent: np.ndarray) -> np.ndarray:
    """Positions of the labels with none below them, in order: where flat and hierarchical models are alike.

    Parents are easier than leaves, so a study of a hierarchy that counts them in compares two tasks.

    >>> leaves(np.array([[True, True, False], [False, True, False], [False, False, True]])).tolist()
    [1, 2]
    """
    return np.flatnonzero(np.asarray(descent).sum(axis=1) == 1)


def study(
    truth: np.ndarray, scores: np.ndarray, predicted: np.ndarray, label_names: list[str], parents: dict
) -> pd.DataFrame:
    """How a run stands to its hierarchy: one row a measure (measure, value).

    Contradictions among scores and among predictions, hierarchical precision, recall and F1, and macro
    ROC-AUC and F1 over the leaves alone, where flat and hierarchical runs have the same task.
    """
    tree = descent(label_names, parents)
    below = leaves(tree)
    leaf = truth[:, below], predicted[:, below]
    rows = {
        "contradictions among scores": violations(scores, tree),
        "contradictions among predictions": violations(predicted, tree),
        **hierarchical(truth, predicted, tree),
        f"macro f1 of the {len(below)} leaves": float(averages(*counts(*leaf))["macro f1"]),
        f"macro roc_auc of the {len(below)} leaves": nanmean(ranking.roc_auc(leaf[0], scores[:, below])),
    }
    return pd.DataFrame(rows.items(), columns=["measure", "value"])
