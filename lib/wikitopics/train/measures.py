"""The few measures that training itself needs, to stop in time and to see that it learned."""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score


def cross_entropy(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean binary cross-entropy in nats over images and labels, scores kept 1e-7 away from 0 and 1.

    >>> round(cross_entropy(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """
    scores = np.clip(np.asarray(scores, np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(truth * np.log(scores) + (1 - truth) * np.log1p(-scores)))


def macro_pr_auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean of the labels' average precision; truth (n, L) {0, 1}, scores (n, L) [0, 1].

    Labels without a positive have none and are left out; without any label it is nan. Training stops by the
    macro mean, because each label is a finding of its own here, and the micro mean is content as soon as
    the two or three most frequent labels are.

    >>> macro_pr_auc(np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.5], [0.1, 0.5]]))
    1.0
    """
    there = truth.sum(axis=0) > 0
    if not there.any():
        return float("nan")
    return float(average_precision_score(truth[:, there] > 0, scores[:, there], average="macro"))


def micro_pr_auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Average precision of all (image, label) pairs in one ranking; nan without a positive."""
    if not truth.any():
        return float("nan")
    return float(average_precision_score(truth.ravel() > 0, scores.ravel()))


def learned(truth: dict[str, np.ndarray], scores: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row a split: images, prevalence (what a ranking by chance gives), macro and micro PR-AUC, loss."""
    return pd.DataFrame(
        {
            "split": split,
            "images": len(labels),
            "prevalence": labels.mean(),
            "macro PR-AUC": macro_pr_auc(labels, scores[split]),
            "micro PR-AUC": micro_pr_auc(labels, scores[split]),
            "loss": cross_entropy(labels, scores[split]),
        }
        for split, labels in truth.items()
    )
