"""Ranking metrics in float64: ROC-AUC, average precision, their curves, coverage and LRAP.

All take truth (n, L) {0, 1} and scores (n, L), work on every column at once and handle ties exactly.
They equal scikit-learn's functions of the same name wherever those are defined (tests/test_metrics.py).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd


class _Ranked(NamedTuple):
    """Columns sorted by falling score; `end`/`start` values are those at the last/first of a tie."""

    truth: np.ndarray  # (n, L) float64
    positives_end: np.ndarray  # positives with a score >= this one
    seen_end: np.ndarray  # images with a score >= this one
    negatives_start: np.ndarray  # negatives with a score > this one


def _rank(truth: np.ndarray, scores: np.ndarray) -> _Ranked:
    order = np.argsort(-scores, axis=0, kind="stable")
    ranked = np.take_along_axis(np.asarray(scores), order, axis=0)
    hits = np.take_along_axis(np.asarray(truth), order, axis=0).astype(np.float64)
    place = np.arange(len(ranked))[:, None]
    new = np.ones(ranked.shape, dtype=bool)
    new[1:] = ranked[1:] != ranked[:-1]
    last = np.ones(ranked.shape, dtype=bool)
    last[:-1] = new[1:]
    start = np.maximum.accumulate(np.where(new, place, 0), axis=0)
    end = np.minimum.accumulate(np.where(last, place, len(ranked))[::-1], axis=0)[::-1]
    positives = np.cumsum(hits, axis=0)
    negatives_before = place - (positives - hits)
    return _Ranked(
        hits,
        np.take_along_axis(positives, end, axis=0),
        end + 1.0,
        np.take_along_axis(negatives_before, start, axis=0),
    )


def roc_auc(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """ROC-AUC of each label: share of (positive, negative) pairs in the right order, ties counting half.

    (n, L), (n, L) -> (L,) float64. A label without a positive or without a negative gives NaN.
    Source: Hanley and McNeil 1982, the Mann-Whitney form. Chance and any constant score give 0.5.

    >>> roc_auc(np.array([[1], [0], [1], [0]]), np.array([[0.9], [0.8], [0.7], [0.1]]))
    array([0.75])
    """
    ranked = _rank(truth, scores)
    positives, negatives = ranked.truth.sum(axis=0), (1 - ranked.truth).sum(axis=0)
    negatives_end = ranked.seen_end - ranked.positives_end
    below = negatives - (negatives_end + ranked.negatives_start) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return (ranked.truth * below).sum(axis=0) / (positives * negatives)


def average_precision(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average precision of each label: sum over thresholds of (recall gained) x precision, no interpolation.

    (n, L), (n, L) -> (L,) float64. A label without a positive gives NaN; a constant score the prevalence.

    >>> average_precision(np.array([[1], [0], [1], [0]]), np.array([[0.9], [0.8], [0.7], [0.1]])).round(3)
    array([0.833])
    """
    ranked = _rank(truth, scores)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (ranked.truth * ranked.positives_end / ranked.seen_end).sum(axis=0) / ranked.truth.sum(axis=0)


def coverage_error(truth: np.ndarray, scores: np.ndarray) -> float:
    """How far down an image's ranked labels one must go to have all true ones (ties at their worst), mean.

    (n, L), (n, L) -> labels in [0, L]. An image without a true label counts 0, as in scikit-learn.
    """
    ranked = _rank(np.asarray(truth).T, np.asarray(scores).T)
    return float((ranked.truth * ranked.seen_end).max(axis=0).mean())


def label_ranking_average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """LRAP: per image, mean over its true labels of the precision at that label's rank; mean over images.

    (n, L), (n, L) -> (0, 1]. An image without a true label counts 1, as in scikit-learn.
    """
    per_image = average_precision(np.asarray(truth).T, np.asarray(scores).T)
    return float(np.where(np.isnan(per_image), 1.0, per_image).mean())


def curves(truth: np.ndarray, scores: np.ndarray, label_names: list[str], points: int = 60) -> pd.DataFrame:
    """ROC and precision-recall curves of each label and of all pairs together ("micro").

    Returns label, curve ("roc" or "pr"), x, y, threshold; at most about `points` rows a curve.
    roc: x false positive rate, y true positive rate; pr: x recall, y precision. A label without a positive
    (or without a negative) has no curve.
    """
    columns = [(name, truth[:, i], scores[:, i]) for i, name in enumerate(label_names)]
    columns.append(("micro", np.ravel(truth), np.ravel(scores)))
    return pd.concat(
        [_curve(name, hits, values, points) for name, hits, values in columns if 0 < hits.sum() < len(hits)]
        or [pd.DataFrame(columns=["label", "curve", "x", "y", "threshold"])],
        ignore_index=True,
    )


def _curve(name: str, truth: np.ndarray, scores: np.ndarray, points: int) -> pd.DataFrame:
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    positives = np.cumsum(truth[order], dtype=np.float64)[ends]
    ends, positives = _thin(ends, positives, points)
    recall, threshold = positives / truth.sum(), scores[order][ends].astype(np.float64)
    false_rate = (ends + 1 - positives) / (len(truth) - truth.sum())
    roc = {"x": np.append(0, false_rate), "y": np.append(0, recall), "threshold": np.append(1, threshold)}
    pr = {"x": recall, "y": positives / (ends + 1), "threshold": threshold}
    return pd.concat(
        [
            pd.DataFrame({"label": name, "curve": "roc"} | roc),
            pd.DataFrame({"label": name, "curve": "pr"} | pr),
        ]
    )


def _thin(ends: np.ndarray, positives: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Every k-th point and the last: enough for the eye, small in the executed notebook."""
    keep = np.unique(np.append(np.arange(0, len(ends), max(1, len(ends) // points)), len(ends) - 1))
    return ends[keep], positives[keep]
