"""Ranking and decision metrics under many integer weightings of the images at once: the bootstrap's engine.

A bootstrap round only changes how often each group counts. So the sorting is done once: between two
positives of a label it does not matter where a negative stands, only how many there are, and one sparse
matrix (distinct positive scores x groups) times the groups' weights (groups x rounds) gives the counts of
every round. The time is one multiply-add for each image, label and round; nothing is sorted again. Small
whole numbers, a few rounds at a time and the images in order keep it in the processor's caches.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import sparse

from wikitopics.evaluate import metrics

STRIPE = 8192  # distinct scores counted at a time, and
BLOCK = 512  # of these summed up at a time: what is written to stays in the cache
SMALL = 2**15  # counts below this are added up in 16 bits


class Stripe(NamedTuple):
    """Sparse counts of images (neighbouring distinct positive scores from high to low, groups).

    positives: with exactly that score; negatives: from the score before (not included) down to it (included);
    tied: negatives with exactly it.
    """

    positives: sparse.csc_array
    negatives: sparse.csc_array
    tied: sparse.csc_array


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
    step = len(levels) - np.searchsorted(levels, scores, side="right")
    exact = step < len(levels)
    exact[exact] = levels[len(levels) - 1 - step[exact]] == scores[exact]
    # the image has been passed at the first positive score that is not higher: the next one unless tied
    shape = (len(levels) + 1, n_groups)
    tables = [_table(step[part], groups[part], shape) for part in (positive, ~positive, ~positive & exact)]
    largest = int(max(table.sum(axis=1).max() for table in tables))
    kind = np.int16 if largest < SMALL else np.int32
    starts = range(0, shape[0], STRIPE)
    stripes = [Stripe(*(t[at : at + STRIPE].tocsc().astype(kind) for t in tables)) for at in starts]
    return RankPlan(stripes, largest)


def _table(step: np.ndarray, groups: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(step), dtype=np.int32), (step, groups)), shape=shape)


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
    """Sums over each group's images: counts (3, groups, L) of tp, fp, fn; means {name: (groups,)}; sizes."""

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
    return CountPlan(
        np.stack([member @ cell.astype(np.float64) for cell in cells]),
        {name: member @ values for name, values in metrics.per_image(truth, predicted).items()},
        np.bincount(groups, minlength=n_groups).astype(np.float64),
    )


def weighted_counts(plan: CountPlan, weights: np.ndarray) -> tuple[dict, dict]:
    """Decision metrics in every round: ({name: (rounds, L)} per label, {name: (rounds,)} overall)."""
    drawn = weights.T.astype(np.float64)
    tp, fp, fn = (drawn @ cell for cell in plan.counts)
    named = dict(zip(("precision", "recall", "f1"), metrics.precision_recall_f1(tp, fp, fn), strict=True))
    images = drawn @ plan.sizes
    overall = metrics.averages(tp, fp, fn)
    return named, overall | {name: drawn @ sums / images for name, sums in plan.means.items()}
