"""Metrics in float64: of decisions (precision, recall, F1) and of rankings (ROC-AUC, precision).

Words: truth and predicted are (n, L) {0, 1}; support is the number of images that have the label.
What an empty class gives: precision is 0 for a label never predicted; recall, F1, ROC-AUC and average
precision are NaN for a label without a positive image, and such a label is left out of `macro`.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd


def predict(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Predictions (n, L) uint8 by the one decision rule, `score >= threshold`: (n, L), (L,).

    >>> predict(np.array([[0.5, 0.2]]), np.array([0.5, 0.3]))
    array([[1, 0]], dtype=uint8)
    """
    return (np.asarray(scores) >= np.asarray(thresholds)).astype(np.uint8)


def counts(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True positives, false positives and false negatives of each label: three (L,) float64."""
    truth, predicted = np.asarray(truth, dtype=bool), np.asarray(predicted, dtype=bool)
    pairs = (truth & predicted, ~truth & predicted, truth & ~predicted)
    return tuple(pair.sum(axis=0, dtype=np.float64) for pair in pairs)


def precision_recall_f1(
    tp: np.ndarray, fp: np.ndarray, fn: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision tp/(tp+fp), recall tp/(tp+fn) and F1 2tp/(2tp+fp+fn), for counts of any one shape.

    0 for precision where nothing was predicted; NaN for recall and F1 where there was nothing to find.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(tp + fp > 0, tp / (tp + fp), 0.0)
        recall = tp / (tp + fn)
        f1 = np.where(tp + fn > 0, 2 * tp / (2 * tp + fp + fn), np.nan)
    return precision, recall, f1


def averages(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> dict[str, np.ndarray]:
    """Micro, macro and weighted precision, recall and F1 from counts (..., L): each value of shape (...).

    micro: counts added over labels first; macro: mean over labels that have a positive image;
    weighted: mean weighted by support. Keys: "micro precision", "macro f1", ...
    """
    support = tp + fn
    some = support > 0
    found = {}
    for name, value, micro in zip(
        ("precision", "recall", "f1"),
        precision_recall_f1(tp, fp, fn),
        precision_recall_f1(tp.sum(-1), fp.sum(-1), fn.sum(-1)),
        strict=True,
    ):
        value = np.where(some, value, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            found[f"micro {name}"] = micro
            found[f"macro {name}"] = value.sum(-1) / some.sum(-1)
            found[f"weighted {name}"] = (value * support).sum(-1) / support.sum(-1)
    return found


def per_image(truth: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """Metrics that are a mean over images, before the mean: each (n,) float64.

    samples precision/recall/f1 (0/0 counts 0, as in scikit-learn), hamming (share of labels that are wrong),
    subset accuracy (1 where the whole label set is right), labels true, labels predicted.
    """
    truth, predicted = np.asarray(truth, dtype=bool), np.asarray(predicted, dtype=bool)
    both, said, had = (m.sum(axis=1, dtype=np.float64) for m in (truth & predicted, predicted, truth))
    wrong = (truth != predicted).mean(axis=1)
    return {
        "samples precision": both / np.maximum(said, 1),
        "samples recall": both / np.maximum(had, 1),
        "samples f1": 2 * both / np.maximum(said + had, 1),
        "hamming": wrong,
        "subset accuracy": (wrong == 0).astype(np.float64),
        "labels true": had,
        "labels predicted": said,
    }


def overall(truth: np.ndarray, scores: np.ndarray, thresholds: np.ndarray) -> dict[str, float]:
    """Every metric of the whole test set by name, float64; NaN where it is not defined."""
    predicted = predict(scores, thresholds)
    found = {name: float(value) for name, value in averages(*counts(truth, predicted)).items()}
    found |= {name: float(value.mean()) for name, value in per_image(truth, predicted).items()}
    for name, metric in (("roc_auc", roc_auc), ("average_precision", average_precision)):
        found[f"macro {name}"] = nanmean(metric(truth, scores))
        found[f"micro {name}"] = float(metric(truth.reshape(-1, 1), scores.reshape(-1, 1))[0])
    found["coverage"] = coverage_error(truth, scores)
    found["lrap"] = label_ranking_average_precision(truth, scores)
    return found


def per_label(
    truth: np.ndarray, scores: np.ndarray, thresholds: np.ndarray, label_names: list[str]
) -> pd.DataFrame:
    """One row a label: label, support, prevalence, predicted, threshold, precision, recall, f1, roc_auc,
    average_precision, and lift (average precision / prevalence: how many times better than chance)."""
    tp, fp, fn = counts(truth, predict(scores, thresholds))
    precision, recall, f1 = precision_recall_f1(tp, fp, fn)
    prevalence = (tp + fn) / max(len(truth), 1)
    precisions = average_precision(truth, scores)
    with np.errstate(invalid="ignore", divide="ignore"):
        lift = precisions / prevalence
    return pd.DataFrame(
        {
            "label": label_names,
            "support": (tp + fn).astype(int),
            "prevalence": prevalence,
            "predicted": (tp + fp).astype(int),
            "threshold": np.asarray(thresholds, dtype=np.float64),
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "roc_auc": roc_auc(truth, scores),
            "average_precision": precisions,
            "lift": lift,
        }
    )


def nanmean(values: np.ndarray) -> float:
    """Mean of the values that are defined; NaN, without a warning, where none is."""
    values = np.asarray(values, dtype=np.float64)
    return float(values[~np.isnan(values)].mean()) if (~np.isnan(values)).any() else float("nan")


def row_means(values: np.ndarray) -> np.ndarray:
    """Mean of each row's defined values: (rounds, L) -> (rounds,), NaN where a row has none."""
    some = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(some, values, 0.0).sum(axis=1) / some.sum(axis=1)


# --- Ranking metrics in float64: ROC-AUC, average precision, coverage and LRAP
#
# All take truth (n, L) {0, 1} and scores (n, L), work on every column at once and handle ties exactly.
# They equal scikit-learn's functions of the same name wherever those are defined (tests/test_metrics.py).


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
