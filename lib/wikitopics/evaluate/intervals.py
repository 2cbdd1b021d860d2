"""95 % intervals of metrics that hold where positives are few (measured: benchmarks/coverage.py).

Percentiles of resampled metrics fail in three ways there. A positive that is drawn twice stands beside
itself, so average precision rises (the sample's own is too high as well, more than the rounds tell). A
metric near 0 or 1 has one long tail. And P positives spread by (P - 1) / P too little, with P - 1 degrees of
freedom. So for rankings the bias is taken off, on log-odds, with Student's t; for decisions an angle is
enough. What was chosen is what held 92 to 99 % in simulation.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special, stats

from wikitopics import ranking
from wikitopics.evaluate import metrics
from wikitopics.evaluate.bootstrap import LEVEL, interval

SIGNIFICANCE = 0.05  # a corrected p below it is called a difference
FEWEST = 5  # positives of a label, below which no interval for it held
EDGE = 1e-3  # a metric is kept this far from 0 and 1 before it is turned into log-odds
NOTHING = 1e-9  # a spread that only rounding makes
AP = "average_precision"
RANKINGS = ("roc_auc", AP)

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
    name: str,
    value: np.ndarray | float,
    rounds: np.ndarray,
    positives: np.ndarray,
    centre: np.ndarray | float | None = None,
    degrees: float | None = None,
) -> Ends:
    """95 % interval of the metric `name`, in [0, 1], from its value (...) and its (rounds, ...): low, high.

    positives (L, ...): images with each label of which the metric is the mean (a micro metric: one row, all
    pairs). Rankings ("roc_auc", "average_precision") go through `ranking_limits`, decisions through
    `decision_limits`. degrees: of freedom, where few seeds leave fewer than the positives do. NaN, which is
    "too few positives", below FEWEST of them and where every round is 0 or 1.
    """
    known = freedom(positives)
    if name.endswith(RANKINGS):
        low, high = ranking_limits(value, rounds, known, centre, degrees)
    else:
        low, high = decision_limits(value, rounds, degrees)
    at_end = np.abs(np.asarray(value, dtype=np.float64) - 0.5) >= 0.5 - NOTHING
    told = (known.positives >= FEWEST) & ((deviation(rounds) > NOTHING) | ~at_end)
    return np.where(told, low, np.nan), np.where(told, high, np.nan)


def ranking_limits(
    value: np.ndarray | float,
    rounds: np.ndarray,
    known: Freedom,
    centre: np.ndarray | float | None = None,
    degrees: float | None = None,
) -> Ends:
    """Ends for an area under a curve: Student's t on log-odds, around the value without its bias.

    centre: that middle where it is known, ranking.precision_of_others for average precision; the spread is
    then the rounds' own, carried to log-odds half way between value and middle. Otherwise the bias is what
    the rounds tell, and all is on log-odds. Source: Davison and Hinkley 1997, sections 5.2 and 2.4.
    """
    if centre is None:
        drawn = log_odds(rounds)
        middle, spread = 2 * log_odds(value) - mean(drawn), deviation(drawn)
    else:
        half = np.clip((np.asarray(centre) + value) / 2, EDGE, 1 - EDGE)
        middle, spread = log_odds(centre), deviation(rounds) / (half * (1 - half))
    few = known.degrees if degrees is None else degrees
    reach = stats.t.ppf((1 + LEVEL) / 2, few) * spread * np.sqrt(known.inflation)
    low, high = special.expit(middle - reach), special.expit(middle + reach)
    return np.where(low <= EDGE, 0.0, low), np.where(high >= 1 - EDGE, 1.0, high)


def decision_limits(value: np.ndarray | float, rounds: np.ndarray, degrees: float | None = None) -> Ends:
    """Ends for precision, recall and F1: normal on the angle of which the sine's square is the metric.

    On that scale a share spreads alike wherever it lies. Source: Anscombe 1948.
    """
    reach = stats.t.ppf((1 + LEVEL) / 2, np.inf if degrees is None else degrees) * deviation(angle(rounds))
    low, high = (np.clip(angle(value) + side * reach, 0, np.pi / 2) for side in (-1, 1))
    return np.sin(low) ** 2, np.sin(high) ** 2


def p_alike(
    value: np.ndarray, other: np.ndarray, rounds: np.ndarray, rounds_other: np.ndarray, groups: int
) -> float:
    """Two-sided p of two F1 being one and the same: Student's t of the difference of their angles.

    rounds, rounds_other (rounds,): both in the same resamples; groups: of the smaller side. NaN below FEWEST
    of these and where a value is not defined.

    >>> drawn = np.tile([0.4, 0.6], 50)
    >>> [round(p_alike(0.5, 0.5, drawn, drawn[::-1], groups), 2) for groups in (9, 1)]
    [1.0, nan]
    """
    spread = deviation(angle(rounds) - angle(rounds_other))
    apart = np.abs(angle(value) - angle(other))
    if groups < FEWEST or not spread > NOTHING:
        return float("nan")
    return float(2 * stats.t.sf(apart / spread, groups - 1))


def holm(p_values: pd.Series | np.ndarray) -> np.ndarray:
    """p-values corrected for their number by Holm's step-down (Holm 1979); NaN stays NaN and does not count.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3)
    array([0.03, 0.06, 0.06])
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p_values)[: (~np.isnan(p_values)).sum()]
    corrected = np.full(len(p_values), np.nan)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1)))
    return corrected


def angle(metric: np.ndarray | float) -> np.ndarray:
    """arcsin of the square root of a metric in [0, 1]: from 0 to pi / 2."""
    return np.arcsin(np.sqrt(np.clip(np.asarray(metric, dtype=np.float64), 0, 1)))


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
        f"macro {AP}": metrics.nanmean(ranking.precision_of_others(truth, scores)),
        f"micro {AP}": ranking.precision_of_others(truth.reshape(-1, 1), scores.reshape(-1, 1))[0],
    }
    found = {}
    for name, drawn in rounds.items():
        few = positives.get(name.split(" ")[0])
        low, high = (
            interval(drawn)
            if few is None
            else metric_interval(name, values[name], drawn, few, centres.get(name))
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
    centres = {AP: ranking.precision_of_others(truth, scores)}
    return {
        name: metric_interval(
            name, table[name].to_numpy(), drawn, positives[name].to_numpy()[None], centres.get(name)
        )
        for name, drawn in rounds.items()
    }
