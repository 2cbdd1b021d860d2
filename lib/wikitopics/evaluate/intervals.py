"""95 % intervals of metrics that hold where positives are few (measured: benchmarks/coverage.py).

Percentiles of resampled metrics fail in three ways there. A positive that is drawn twice stands beside
itself, so average precision rises (the sample's own is too high as well, more than the rounds tell). A
metric near 1 has a long lower tail. And P positives spread by (P - 1) / P too little, with P - 1 degrees of
freedom. So: the bias taken off, log-odds, and Student's t.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special, stats

from wikitopics.evaluate import metrics
from wikitopics.evaluate.bootstrap import LEVEL, interval

FEWEST = 5  # positives of a label, below which no interval for it held
EDGE = 1e-3  # a metric is kept this far from 0 and 1 before it is turned into log-odds
NOTHING = 1e-9  # a spread that only rounding makes
AP = "average_precision"

Ends = tuple[np.ndarray, np.ndarray]  # low and high


class Freedom(NamedTuple):
    """Degrees of freedom of a mean over labels, what its variance is too small by, positives it rests on.

    positives: the harmonic mean over labels of (positives - 1), plus 1: what counts is the rarest.
    """

    degrees: float | np.ndarray
    inflation: float | np.ndarray
    positives: float | np.ndarray


def freedom(positives: np.ndarray) -> Freedom:
    """What the positives of each label say of the mean over labels (axis 0): (L, ...) -> three (...).

    Source: Satterthwaite 1946, with labels of equal variance; a label without a positive does not count.

    >>> [float(value) for value in freedom(np.array([11, 11]))]
    [20.0, 1.1, 11.0]
    """
    positives = np.asarray(positives, dtype=np.float64)
    labels = (positives > 0).sum(axis=0)
    inverse = np.where(positives > 0, 1 / np.maximum(positives - 1, 0.5), 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Freedom(labels**2 / inverse, 1 + inverse / labels, 1 + labels / inverse)


def metric_interval(
    value: np.ndarray | float,
    rounds: np.ndarray,
    positives: np.ndarray,
    centre: np.ndarray | float | None = None,
    degrees: float | None = None,
) -> Ends:
    """95 % interval of a metric in [0, 1] from its value (...) and its (rounds, ...): low, high.

    positives (L, ...): images with each label of which the metric is the mean (a micro metric: one row, all
    pairs). Student's t on log-odds around `centre`, which is the value without its bias: by default value -
    (mean of the rounds - value), for average precision metrics.precision_of_others. degrees: of freedom, by
    default those of the positives. NaN, which is "too few positives", below FEWEST of them and where every
    round is 0 or 1. Source: Davison and Hinkley 1997, sections 5.2 (normal limits, bias) and 2.4 (a scale).
    """
    known = freedom(positives)
    odds, drawn = log_odds(value), log_odds(rounds)
    middle = 2 * odds - mean(drawn) if centre is None else log_odds(centre)
    spread = deviation(drawn) * np.sqrt(known.inflation)
    reach = stats.t.ppf((1 + LEVEL) / 2, known.degrees if degrees is None else degrees) * spread
    told = (known.positives >= FEWEST) & ((spread > NOTHING) | (np.abs(odds) < log_odds(1.0)))
    low, high = special.expit(middle - reach), special.expit(middle + reach)
    low, high = np.where(low <= EDGE, 0.0, low), np.where(high >= 1 - EDGE, 1.0, high)
    return np.where(told, low, np.nan), np.where(told, high, np.nan)


def log_odds(metric: np.ndarray | float) -> np.ndarray:
    """Log-odds of a metric in [0, 1], finite also for 0 and 1 (kept EDGE away from them)."""
    return special.logit(np.clip(np.asarray(metric, dtype=np.float64), EDGE, 1 - EDGE))


def mean(rounds: np.ndarray) -> np.ndarray:
    """Mean over rounds (axis 0) of those that have a value; NaN where none has."""
    some = ~np.isnan(rounds)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(some, rounds, 0.0).sum(axis=0) / some.sum(axis=0)


def deviation(rounds: np.ndarray) -> np.ndarray:
    """Standard deviation over rounds (axis 0) of those that have a value."""
    return np.sqrt(mean((rounds - mean(rounds)) ** 2))


def overall(
    truth: np.ndarray, scores: np.ndarray, values: dict[str, float], rounds: dict[str, np.ndarray]
) -> dict[str, tuple[float, float]]:
    """Low and high of every metric of the whole test set that was resampled, by its name in `values`.

    values: metrics.overall(...); rounds: Resamples.overall. NaN for "too few positives". What is a mean over
    images ("samples f1", "hamming", ...) has no rare positives, and percentiles.
    """
    support = np.asarray(truth).sum(axis=0)
    positives = {"macro": support, "weighted": support, "micro": support.sum()[None]}
    centres = {
        f"macro {AP}": metrics.nanmean(metrics.precision_of_others(truth, scores)),
        f"micro {AP}": metrics.precision_of_others(truth.reshape(-1, 1), scores.reshape(-1, 1))[0],
    }
    found = {}
    for name, drawn in rounds.items():
        few = positives.get(name.split(" ")[0])
        low, high = (
            interval(drawn) if few is None else metric_interval(values[name], drawn, few, centres.get(name))
        )
        found[name] = float(low), float(high)
    return found


def per_label(
    truth: np.ndarray, scores: np.ndarray, table: pd.DataFrame, rounds: dict[str, np.ndarray]
) -> dict[str, Ends]:
    """Low and high (L,) of each label's precision, recall, F1, ROC-AUC and average precision, by name.

    table: metrics.per_label(...); rounds: Resamples.per_label. A precision's positives are
    the images that were given the label; NaN is "too few positives".
    """
    positives = {name: table["predicted" if name == "precision" else "support"] for name in rounds}
    centres = {AP: metrics.precision_of_others(truth, scores)}
    return {
        name: metric_interval(
            table[name].to_numpy(), drawn, positives[name].to_numpy()[None], centres.get(name)
        )
        for name, drawn in rounds.items()
    }
