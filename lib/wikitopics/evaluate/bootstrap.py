"""Confidence intervals: a bootstrap over groups of duplicates, paired between runs, for every metric.

Images of one group are not independent, so groups are drawn, with replacement, as many as there are
(cluster bootstrap: Davison and Hinkley 1997, section 3.8). Round r of seed s draws the same groups
whatever the run, the metric, the chunk or the number of workers: that makes differences paired.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import sparse

from wikitopics.errors import UserError
from wikitopics.evaluate import metrics

STRIPE = 8192  # distinct scores counted at a time, and
BLOCK = 512  # of these summed up at a time: what is written to stays in the cache
SMALL = 2**15  # counts below this are added up in 16 bits

EXACT = 2**20  # images: so many drawn 16 times are counted exactly in 32 bits
CHUNK = 32  # rounds at a time: 64 bytes of weights a group, a line of the cache
Column = tuple[np.ndarray, np.ndarray, np.ndarray]  # truth, scores, groups of a label's images
LEVEL = 0.95
FEW = 10_000  # groups: the weights of so many are remembered, at most 41 MB


# --- Ranking and decision metrics under many integer weightings of the images at once: the bootstrap's engine
#
# A bootstrap round only changes how often each group counts. So the sorting is done once: between two
# positives of a label it does not matter where a negative stands, only how many there are, and one sparse
# matrix (distinct positive scores x groups) times the groups' weights (groups x rounds) gives the counts of
# every round. The time is one multiply-add for each image, label and round; nothing is sorted again. Small
# whole numbers, a few rounds at a time and the images in order keep it in the processor's caches.


class Stripe(NamedTuple):
    """Sparse counts of images (neighbouring distinct positive scores from high to low, groups).

    positives: with exactly that score; negatives: from the score before (not included) down to it (included);
    tied: negatives with exactly it.
    """

    positives: sparse.sparray
    negatives: sparse.sparray
    tied: sparse.sparray


class RankPlan(NamedTuple):
    """One label's ranking, sorted once. The last row of the last stripe counts the negatives below every
    positive; largest: the largest sum of any row."""

    stripes: list[Stripe]
    largest: int


def rank_plan(truth: np.ndarray, scores: np.ndarray, groups: np.ndarray, n_groups: int) -> RankPlan:
    """Sort one label's scores once. truth (n,) {0, 1}, scores (n,), groups (n,) int in [0, n_groups)."""
    positive = np.asarray(truth, dtype=bool)
    levels = np.unique(scores[positive])
    # step of an image: how many distinct positive scores are higher than its own
    step = (len(levels) - np.searchsorted(levels, scores, side="right")).astype(np.int32)
    exact = step < len(levels)
    exact[exact] = levels[len(levels) - 1 - step[exact]] == scores[exact]
    # the image has been passed at the first positive score that is not higher: the next one unless tied
    shape = (len(levels) + 1, n_groups)
    tables = [_table(step[part], groups[part], shape) for part in (positive, ~positive, ~positive & exact)]
    largest = int(max(table.sum(axis=1).max() for table in tables))
    kind = np.int16 if largest < SMALL else np.int32
    starts = range(0, shape[0], STRIPE)
    stripes = [Stripe(*(_laid_out(t[at : at + STRIPE].astype(kind)) for t in tables)) for at in starts]
    return RankPlan(stripes, largest)


def _table(step: np.ndarray, groups: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(step), dtype=np.int32), (step, groups)), shape=shape)


def _laid_out(table: sparse.csr_array) -> sparse.sparray:
    """By groups, whose weights are then read in order; but by scores where most groups have nothing in it:
    many stripes with a place for every group would take more memory than all the counts."""
    return table.tocsc() if 2 * table.nnz > table.shape[1] else table


def weighted_ranking(
    plan: RankPlan, weights: np.ndarray, heaviest: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """ROC-AUC and average precision of one label in every round: two (rounds,) float64.

    weights: (groups, rounds) int16, times each group was drawn; heaviest: the largest of them, if known.
    NaN in a round that drew no positive (and, for ROC-AUC, no negative).
    """
    heaviest = int(weights.max(initial=0)) if heaviest is None else heaviest
    if plan.largest * heaviest >= SMALL:
        weights = weights.astype(np.int32)
    found, passed, beaten, precision = np.zeros((4, weights.shape[1]))
    for here, between, tied in _blocks(plan, weights):
        found_here = _running(here) + found[:, None]
        passed_here = _running(between) + passed[:, None]
        found, passed = found_here[:, -1].copy(), passed_here[:, -1].copy()
        here = here.astype(np.float64)
        beaten += np.einsum("rk,rk->r", here, passed_here)
        if tied is not None:
            beaten -= np.einsum("rk,rk->r", here, tied.astype(np.float64)) / 2
        passed_here += found_here
        np.maximum(passed_here, 1.0, out=passed_here)
        precision += np.einsum("rk,rk->r", here, np.divide(found_here, passed_here, out=found_here))
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - beaten / (found * passed), precision / found


def _blocks(plan: RankPlan, weights: np.ndarray) -> Iterator[tuple]:
    """Weighted counts of positives, negatives and tied (or None), each (rounds, up to BLOCK scores)."""
    for stripe in plan.stripes:
        counts = [stripe.positives @ weights, stripe.negatives @ weights]
        tied = stripe.tied @ weights if stripe.tied.nnz else None
        for start in range(0, len(counts[0]), BLOCK):
            part = slice(start, start + BLOCK)
            here, between = (_by_round(table[part]) for table in counts)
            yield here, between, None if tied is None else _by_round(tied[part])


def _by_round(counts: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(counts.T)


def _running(counts: np.ndarray) -> np.ndarray:
    """Running sums along rows, as float64; whole numbers add up four times as fast as floats do."""
    return np.cumsum(counts, axis=1, dtype=np.int64).astype(np.float64)


class CountPlan(NamedTuple):
    """Sums over each group's images: counts (3, groups, L) of tp, fp, fn; means {name: (groups,)}; sizes.

    counts in float32 where all whole numbers that a round can give are exact in it.
    """

    counts: np.ndarray
    means: dict[str, np.ndarray]
    sizes: np.ndarray


def count_plan(truth: np.ndarray, predicted: np.ndarray, groups: np.ndarray, n_groups: int) -> CountPlan:
    """Add up what depends on decisions, group by group. truth, predicted: (n, L) {0, 1}; groups: (n,)."""
    member = sparse.csr_array(
        (np.ones(len(groups)), (groups, np.arange(len(groups)))), shape=(n_groups, len(groups))
    )
    truth, predicted = np.asarray(truth, dtype=bool), np.asarray(predicted, dtype=bool)
    cells = (truth & predicted, ~truth & predicted, truth & ~predicted)
    kind = np.float32 if len(groups) < EXACT else np.float64
    return CountPlan(
        np.stack([(member.astype(kind) @ cell.astype(kind)) for cell in cells]),
        {name: member @ values for name, values in metrics.per_image(truth, predicted).items()},
        np.bincount(groups, minlength=n_groups).astype(np.float64),
    )


def weighted_counts(plan: CountPlan, weights: np.ndarray) -> tuple[dict, dict]:
    """Decision metrics in every round: ({name: (rounds, L)} per label, {name: (rounds,)} overall)."""
    whole = weights.T.astype(plan.counts.dtype)
    tp, fp, fn = ((whole @ cell).astype(np.float64) for cell in plan.counts)
    drawn = weights.T.astype(np.float64)
    named = dict(zip(("precision", "recall", "f1"), metrics.precision_recall_f1(tp, fp, fn), strict=True))
    images = drawn @ plan.sizes
    overall = metrics.averages(tp, fp, fn)
    return named, overall | {name: drawn @ sums / images for name, sums in plan.means.items()}


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
    return (_remembered if n_groups <= FEW else _drawn)(n_groups, rounds, seed)


def _drawn(n_groups: int, rounds: range, seed: int) -> np.ndarray:
    weights = np.empty((len(rounds), n_groups), dtype=np.int16)
    for row, number in zip(weights, rounds, strict=True):
        drawn = np.random.default_rng([seed, number]).integers(0, n_groups, n_groups)
        row[:] = np.bincount(drawn, minlength=n_groups)
    weights = np.ascontiguousarray(weights.T)
    weights.flags.writeable = False
    return weights


_remembered = lru_cache(maxsize=64)(_drawn)  # 05 asks for the same ones for each network of each cell


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
    counted = count_plan(truth, metrics.predict(scores, thresholds), groups, n_groups)
    ranked = [rank_plan(*columns, n_groups) for columns in _columns(truth, scores, groups)]

    def work(weights: np.ndarray) -> Resamples:
        return _chunk(counted, ranked, weights)

    return _joined(_in_chunks(work, n_groups, rounds, seed, jobs))


def bootstrap_roc_auc(columns: list[Column], n_groups: int, rounds: int, seed: int) -> np.ndarray:
    """ROC-AUC of columns that need not have the same images: (rounds, columns), as in `bootstrap`.

    Each column is truth (n,) {0, 1}, scores (n,), groups (n,) int in [0, n_groups).
    """
    return bootstrap_rankings(columns, n_groups, rounds, seed)[0]


def bootstrap_rankings(columns: list[Column], n_groups: int, rounds: int, seed: int) -> np.ndarray:
    """ROC-AUC and average precision of the columns of `bootstrap_roc_auc`: (2, rounds, columns)."""
    plans = [rank_plan(*column, n_groups) for column in columns]

    def work(weights: np.ndarray) -> np.ndarray:
        return np.stack([weighted_ranking(plan, weights) for plan in plans], axis=-1)

    return np.concatenate(_in_chunks(work, n_groups, rounds, seed, jobs=2), axis=1)


def resampled_sums(sums: np.ndarray | sparse.sparray, rounds: int, seed: int) -> np.ndarray:
    """Sums over the drawn groups in every round of `bootstrap`: (groups, k) -> (rounds, k) float64.

    >>> resampled_sums(np.ones((3, 1)), 2, seed=0)
    array([[3.],
           [3.]])
    """
    columns = sparse.csr_array(sums.T, dtype=np.float64)  # many are 0, and BLAS' threads would wait for ours

    def work(weights: np.ndarray) -> np.ndarray:
        return (columns @ weights.astype(np.float64)).T

    return np.concatenate(_in_chunks(work, sums.shape[0], rounds, seed, jobs=2))


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

    Right for what resampling does not bias, as means of images; for metrics see `intervals`.

    >>> tuple(round(float(x), 3) for x in interval(np.arange(101.0)))
    (2.5, 97.5)
    """
    values = np.asarray(values, dtype=np.float64)
    empty = np.isnan(values).all(axis=0)
    safe = np.where(empty, 0.0, values)
    low, high = np.nanquantile(safe, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def p_value(differences: np.ndarray) -> float:
    """Two-sided bootstrap p-value of "no difference": twice the smaller tail, at least 2/(rounds + 1).

    Where many are asked, that floor hides every difference: see compare.estimates.
    """
    values = differences[~np.isnan(differences)]
    if not len(values):
        return float("nan")
    tail = min((values <= 0).sum(), (values >= 0).sum())
    return float(min(1.0, 2 * (tail + 1) / (len(values) + 1)))


def _columns(truth: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> Iterator[Column]:
    """Every label, and last all (image, label) pairs as one: what "micro" means for a ranking."""
    groups, labels = groups.astype(np.int32), truth.shape[1]  # half the memory of a place in 64 bits
    for label in range(labels):
        yield truth[:, label], scores[:, label], groups
    yield np.ravel(truth), np.ravel(scores), np.repeat(groups, labels)


def _chunk(counted: CountPlan, ranked: list[RankPlan], weights: np.ndarray) -> Resamples:
    per_label, overall = weighted_counts(counted, weights)
    heaviest = int(weights.max())
    pairs = [weighted_ranking(plan, weights, heaviest) for plan in ranked]
    for name, columns in zip(("roc_auc", "average_precision"), zip(*pairs, strict=True), strict=True):
        *labels, micro = columns
        per_label[name], overall[f"micro {name}"] = np.column_stack(labels), micro
        overall[f"macro {name}"] = metrics.row_means(per_label[name])
    return Resamples(per_label, overall)


def _joined(parts: list[Resamples]) -> Resamples:
    def join(tables: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}

    return Resamples(join([part.per_label for part in parts]), join([part.overall for part in parts]))
