"""Ranking and decision metrics under many integer weightings of the images at once: the bootstrap's engine.

A bootstrap round only changes how often each group counts. So the sorting is done once: between two
positives of a label it does not matter where a negative stands, only how many there are, and one sparse
matrix (distinct positive scores x groups) times the groups' weights (groups x rounds) gives the counts of
every round. The time is one multiply-add for each image, label and round; nothing is sorted again.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from wikitopics.evaluate import metrics

BLOCK = 512  # distinct scores handled at a time: what is summed stays in the processor's cache


class Steps(NamedTuple):
    """Some neighbouring distinct positive scores, from high to low: three sparse counts (steps, groups)."""

    positives: sparse.csr_array  # with exactly the k-th distinct positive score
    negatives: sparse.csr_array  # from the (k-1)-th (not included) down to the k-th (included)
    tied: sparse.csr_array  # negatives with exactly the k-th


class RankPlan(NamedTuple):
    """One label's ranking, sorted once: blocks of steps, and each group's negatives (groups,) float64."""

    blocks: list[Steps]
    all_negatives: np.ndarray


def rank_plan(truth: np.ndarray, scores: np.ndarray, groups: np.ndarray, n_groups: int) -> RankPlan:
    """Sort one label's scores once. truth (n,) {0, 1}, scores (n,), groups (n,) int in [0, n_groups)."""
    positive = np.asarray(truth, dtype=bool)
    levels = np.unique(scores[positive])
    # step of an image: how many distinct positive scores are higher than its own
    step = len(levels) - np.searchsorted(levels, scores, side="right")
    exact = step < len(levels)
    exact[exact] = levels[len(levels) - 1 - step[exact]] == scores[exact]
    # the image has been passed at the first positive score that is not higher: the next one unless tied
    parts = (positive, ~positive & (step < len(levels)), ~positive & exact)
    tables = [_table(step[part], groups[part], (len(levels), n_groups)) for part in parts]
    blocks = [
        Steps(*(table[start : start + BLOCK] for table in tables)) for start in range(0, len(levels), BLOCK)
    ]
    return RankPlan(blocks, np.bincount(groups[~positive], minlength=n_groups).astype(np.float64))


def _table(step: np.ndarray, groups: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(step), dtype=np.float32), (step, groups)), shape=shape)


def weighted_ranking(plan: RankPlan, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ROC-AUC and average precision of one label in every round: two (rounds,) float64.

    weights: (groups, rounds) float32 whole numbers, times each group was drawn (sums are exact below 2^24).
    NaN in a round that drew no positive (and, for ROC-AUC, no negative).
    """
    found, passed, beaten, precision = np.zeros((4, weights.shape[1]))
    for positives, negatives, tied in plan.blocks:
        here = (positives @ weights).astype(np.float64)
        found_here = np.cumsum(here, axis=0) + found
        passed_here = np.cumsum(negatives @ weights, axis=0, dtype=np.float64) + passed
        found, passed = found_here[-1].copy(), passed_here[-1].copy()
        beaten += np.einsum("kr,kr->r", here, passed_here)
        if tied.nnz:
            beaten -= np.einsum("kr,kr->r", here, tied @ weights) / 2
        passed_here += found_here
        precision += np.einsum("kr,kr->r", here, found_here / np.maximum(passed_here, 1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - beaten / (found * (plan.all_negatives @ weights)), precision / found


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
