"""The tables of 04_evaluate: each value with its interval and with the baselines' values."""

import math
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.evaluate import baselines, calibration, metrics
from wikitopics.evaluate.intervals import Resamples, interval
from wikitopics.evaluate.predictions import Predictions

# The columns that are read; the table on disk has the intervals too.
SHOWN = ["label", "support", "predicted", "precision", "recall", "f1", "f1_always", "roc_auc"]
SHOWN += ["average_precision", "prevalence", "lift"]


def overall(
    test: Predictions, thresholds: np.ndarray, drawn: Resamples, beside: dict[str, dict[str, float]]
) -> pd.DataFrame:
    """One row a metric as metrics.overall has them: metric, value, low, high (95 %), one column a baseline.

    `beside` is baselines.overall(...). Coverage and LRAP have no interval (NaN).
    """
    values = metrics.overall(test.truth, test.scores, thresholds)
    table = pd.DataFrame({"metric": list(values), "value": list(values.values())})
    bounds = {name: interval(rounds) for name, rounds in drawn.overall.items()}
    for column, side in (("low", 0), ("high", 1)):
        table[column] = [float(bounds[name][side]) if name in bounds else np.nan for name in values]
    for name, found in beside.items():
        table[name] = [found[metric] for metric in values]
    return table


def per_label(test: Predictions, thresholds: np.ndarray, drawn: Resamples) -> pd.DataFrame:
    """One row a label: metrics.per_label with intervals, baselines and calibration.

    NAME_low/NAME_high for precision, recall, f1, roc_auc and average_precision, the constant answer's
    f1_always and average_precision_prior, and ece, brier, brier_prior.
    """
    table = metrics.per_label(test.truth, test.scores, thresholds, test.label_names)
    for name, rounds in drawn.per_label.items():
        table[f"{name}_low"], table[f"{name}_high"] = interval(rounds)
    others = baselines.per_label(test.truth), calibration.per_label(test.truth, test.scores)
    return pd.concat([table, *others], axis=1)


def labels_per_image(truth: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    """How many images have 0, 1, 2 ... labels: labels, true, predicted (numbers of images)."""
    had, said = np.asarray(truth).sum(axis=1), np.asarray(predicted).sum(axis=1)
    top = int(max(had.max(initial=0), said.max(initial=0))) + 1
    return pd.DataFrame(
        {
            "labels": np.arange(top),
            "true": np.bincount(had, minlength=top),
            "predicted": np.bincount(said, minlength=top),
        }
    )


def plain(value: Any) -> Any:
    """The value in JSON's types: NumPy numbers become Python's, NaN becomes None, a table a list of rows.

    >>> plain({"a": np.float64("nan"), "b": np.array([1, 2])})
    {'a': None, 'b': [1, 2]}
    """
    if isinstance(value, pd.DataFrame):
        return plain(value.to_dict("records"))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
