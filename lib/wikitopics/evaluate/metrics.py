"""Metrics in float64: of decisions (precision, recall, F1) and of rankings (ROC-AUC, precision).

Words: truth and predicted are (n, L) {0, 1}; support is the number of images that have the label.
What an empty class gives: precision is 0 for a label never predicted; recall, F1, ROC-AUC and average
precision are NaN for a label without a positive image, and such a label is left out of `macro`.
"""

import numpy as np
import pandas as pd

from wikitopics.ranking import average_precision, coverage_error, label_ranking_average_precision, roc_auc


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
