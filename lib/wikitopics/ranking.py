"""How well scores rank: ROC-AUC, average precision, coverage and LRAP, in float64.

All take truth (n, L) {0, 1} and scores (n, L), work on every column at once and handle ties exactly.
They equal scikit-learn's functions of the same name wherever those are defined (tests/test_metrics.py), which
check each label's arrays for longer than they sort them.
"""

from typing import NamedTuple

import numpy as np


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


def precision_of_others(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average precision in which no positive counts itself: (n, L), (n, L) -> (L,) float64.

    A positive at its own rank is always right, so average precision of P positives is too high, by about
    log(P)/P; the others above it tell the precision there without bias (1 where there is none above). This
    is the middle of average precision's interval, not a metric to report. NaN for a label without a positive.

    >>> precision_of_others(np.array([[1], [0], [1], [0]]), np.array([[0.9], [0.8], [0.7], [0.1]]))
    array([0.75])
    """
    ranked = _rank(truth, scores)
    others = ranked.seen_end - 1
    precision = np.where(others > 0, (ranked.positives_end - 1) / np.maximum(others, 1), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (ranked.truth * precision).sum(axis=0) / ranked.truth.sum(axis=0)


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
