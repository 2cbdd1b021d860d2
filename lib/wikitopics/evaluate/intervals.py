"""Confidence intervals: a bootstrap over groups of duplicates, paired between runs, for every metric.

Images of one group are not independent, so groups are drawn, with replacement, as many as there are
(cluster bootstrap: Davison and Hinkley 1997, section 3.8). Round r of seed s draws the same groups
whatever the run, the metric, the chunk or the number of workers: that makes differences paired.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from wikitopics.errors import UserError
from wikitopics.evaluate import metrics, weighted

CHUNK = 32  # rounds at a time: 64 bytes of weights a group, a line of the cache
Column = tuple[np.ndarray, np.ndarray, np.ndarray]  # truth, scores, groups of a label's images
LEVEL = 0.95


@dataclass(frozen=True)
class Resamples:
    """Every metric in every round: per_label {name: (rounds, L)}, overall {name: (rounds,)}, float64."""

    per_label: dict[str, np.ndarray]
    overall: dict[str, np.ndarray]


def group_weights(n_groups: int, rounds: range, seed: int) -> np.ndarray:
    """How often each group is drawn in each round: (n_groups, len(rounds)) int16, columns sum to n_groups.

    >>> group_weights(3, range(2), seed=0).sum(axis=0)
    array([3, 3])
    """
    weights = np.empty((len(rounds), n_groups), dtype=np.int16)
    for row, number in zip(weights, rounds, strict=True):
        drawn = np.random.default_rng([seed, number]).integers(0, n_groups, n_groups)
        row[:] = np.bincount(drawn, minlength=n_groups)
    return np.ascontiguousarray(weights.T)


def bootstrap(
    truth: np.ndarray,
    scores: np.ndarray,
    thresholds: np.ndarray,
    groups: np.ndarray,
    rounds: int = 1000,
    seed: int = 0,
    jobs: int = 2,
    n_groups: int | None = None,
) -> Resamples:
    """Every decision and ranking metric in `rounds` resamples of the groups.

    truth (n, L) {0, 1}, scores (n, L), thresholds (L,), groups (n,) int in [0, n_groups), as `group_codes`
    gives them. Pass the same n_groups, rounds and seed for two runs to compare them round by round.
    Raises UserError for rounds < 2.
    """
    n_groups = int(groups.max()) + 1 if n_groups is None else n_groups
    counted = weighted.count_plan(truth, metrics.predict(scores, thresholds), groups, n_groups)
    ranked = [weighted.rank_plan(*columns, n_groups) for columns in _columns(truth, scores, groups)]

    def work(weights: np.ndarray) -> Resamples:
        return _chunk(counted, ranked, weights)

    return _joined(_in_chunks(work, n_groups, rounds, seed, jobs))


def bootstrap_roc_auc(columns: list[Column], n_groups: int, rounds: int, seed: int) -> np.ndarray:
    """ROC-AUC of columns that need not have the same images: (rounds, columns), as in `bootstrap`.

    Each column is truth (n,) {0, 1}, scores (n,), groups (n,) int in [0, n_groups).
    """
    plans = [weighted.rank_plan(*column, n_groups) for column in columns]

    def work(weights: np.ndarray) -> np.ndarray:
        return np.column_stack([weighted.weighted_ranking(plan, weights)[0] for plan in plans])

    return np.concatenate(_in_chunks(work, n_groups, rounds, seed, jobs=2))


def _in_chunks(work: Callable, n_groups: int, rounds: int, seed: int, jobs: int) -> list:
    """`work` on the weights of some rounds at a time; scipy and numpy let go of the lock in the products."""
    if rounds < 2:
        raise UserError(f"rounds must be 2 or more to give an interval, but is {rounds}; 1000 is usual")
    chunks = [range(start, min(start + CHUNK, rounds)) for start in range(0, rounds, CHUNK)]
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        return list(pool.map(lambda chunk: work(group_weights(n_groups, chunk, seed)), chunks))


def group_codes(groups: np.ndarray) -> np.ndarray:
    """Any group names as whole numbers 0..G-1 in sorted order: (n,) -> (n,) int."""
    return np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval over rounds (axis 0), rounds without a value left out: (rounds, ...) -> low, high.

    >>> tuple(round(float(x), 3) for x in interval(np.arange(101.0)))
    (2.5, 97.5)
    """
    values = np.asarray(values, dtype=np.float64)
    empty = np.isnan(values).all(axis=0)
    safe = np.where(empty, 0.0, values)
    low, high = np.nanquantile(safe, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def p_value(differences: np.ndarray) -> float:
    """Two-sided bootstrap p-value of "no difference": twice the smaller tail, at least 2/(rounds + 1)."""
    values = differences[~np.isnan(differences)]
    if not len(values):
        return float("nan")
    tail = min((values <= 0).sum(), (values >= 0).sum())
    return float(min(1.0, 2 * (tail + 1) / (len(values) + 1)))


def _columns(truth: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> list[Column]:
    """Every label, and last all (image, label) pairs as one: what "micro" means for a ranking."""
    labels = truth.shape[1]
    pairs = (np.ravel(truth), np.ravel(scores), np.repeat(groups, labels))
    return [(truth[:, i], scores[:, i], groups) for i in range(labels)] + [pairs]


def _chunk(counted: weighted.CountPlan, ranked: list[weighted.RankPlan], weights: np.ndarray) -> Resamples:
    per_label, overall = weighted.weighted_counts(counted, weights)
    heaviest = int(weights.max())
    pairs = [weighted.weighted_ranking(plan, weights, heaviest) for plan in ranked]
    for name, columns in zip(("roc_auc", "average_precision"), zip(*pairs, strict=True), strict=True):
        *labels, micro = columns
        per_label[name], overall[f"micro {name}"] = np.column_stack(labels), micro
        overall[f"macro {name}"] = metrics.row_means(per_label[name])
    return Resamples(per_label, overall)


def _joined(parts: list[Resamples]) -> Resamples:
    def join(tables: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}

    return Resamples(join([part.per_label for part in parts]), join([part.overall for part in parts]))
