"""Thresholds, chosen on the validation split only: one half, one for all labels, or one for each label."""

import numpy as np
import pandas as pd

from wikitopics.errors import UserError

RULES = ("half", "common", "per_label", "ghost")
# Positives at which a label's own optimum and the common threshold weigh the same. The spread of an
# F1-optimal cut falls about as 1/positives; with 20 positives it is a few images wide either way.
SHRINKAGE = 20.0
_EDGE = 1e-6  # scores are kept this far from 0 and 1 before they are turned into log-odds

GHOST_ROUNDS, GHOST_SHARE = 100, 0.2
GHOST_CANDIDATES = np.arange(0.05, 0.951, 0.05)


def choose(rule: str, truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Thresholds (n_labels,) float64 by `rule`, from validation truth (n, L) and scores (n, L).

    half: 0.5 for every label; common: one number, the best micro-F1 over all pairs; per_label: each label's
    own F1 optimum, ghost: its best median kappa (see `best_agreement`), both shrunk to the common one (see
    `shrink`).
    Raises UserError for another rule.
    """
    if rule not in RULES:
        raise UserError(
            f"threshold_rule must be one of {', '.join(RULES)}, but is {rule!r}; choose one of those"
        )
    labels = scores.shape[1]
    if rule == "half" or not len(scores):
        return np.full(labels, 0.5)
    common = best_f1(np.ravel(truth), np.ravel(scores))
    if rule == "common":
        return np.full(labels, common)
    if rule == "ghost":
        own = np.array([best_agreement(truth[:, i], scores[:, i]) for i in range(labels)])
        own = np.where(np.isnan(own), common, own)
    else:
        own = np.array([best_f1(truth[:, i], scores[:, i], common) for i in range(labels)])
    return shrink(own, common, np.asarray(truth).sum(axis=0))


def how_chosen(truth: np.ndarray, scores: np.ndarray, label_names: list[str]) -> pd.DataFrame:
    """What goes into `per_label`: label, positives (validation), own (F1 optimum), common, chosen."""
    own = np.array([best_f1(truth[:, i], scores[:, i], np.nan) for i in range(len(label_names))])
    return pd.DataFrame(
        {
            "label": label_names,
            "positives": np.asarray(truth).sum(axis=0, dtype=int),
            "own": own,
            "common": choose("common", truth, scores),
            "chosen": choose("per_label", truth, scores),
        }
    )


def best_f1(truth: np.ndarray, scores: np.ndarray, fallback: float = 0.5) -> float:
    """The threshold with the best F1 for `score >= threshold`: truth (n,) {0, 1}, scores (n,).

    Candidates lie half way between neighbouring scores, so a cut does not hang on one image's score;
    among equals the highest wins (fewer predictions). `fallback` where there is no positive.

    >>> best_f1(np.array([1, 1, 0, 0]), np.array([0.9, 0.8, 0.2, 0.1]))
    0.5
    """
    if not truth.any():
        return fallback
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float64)
    last = np.append(ranked[1:] != ranked[:-1], True)
    found = np.cumsum(truth[order], dtype=np.float64)[last]
    f1 = 2 * found / (np.flatnonzero(last) + 1 + truth.sum())
    values = np.append(ranked[last], 0.0)
    best = int(np.argmax(f1))
    return float((values[best] + values[best + 1]) / 2)


def shrink(own: np.ndarray, common: float, positives: np.ndarray, strength: float = SHRINKAGE) -> np.ndarray:
    """Each label's threshold drawn to the common one, the more so the fewer positives it was chosen on.

    logit(threshold) = w logit(own) + (1 - w) logit(common), with w = positives / (positives + strength):
    the linear shrinkage of empirical Bayes (Efron and Morris 1975), in log-odds because scores near 0 and
    near 1 differ by factors. A label without a positive gets the common threshold.

    >>> shrink(np.array([0.9, 0.9]), 0.5, np.array([0, 180])).round(3)
    array([0.5  , 0.878])
    """
    weight = positives / (positives + strength)
    mixed = weight * logit(own) + (1 - weight) * logit(common)
    return 1 / (1 + np.exp(-mixed))


def logit(probability: np.ndarray | float) -> np.ndarray:
    """Log-odds in float64, finite also for 0 and 1 (kept 1e-6 away from them)."""
    clipped = np.clip(np.asarray(probability, dtype=np.float64), _EDGE, 1 - _EDGE)
    return np.log(clipped / (1 - clipped))


# --- Thresholds that agree best beyond chance, over many stratified parts of the validation images


def best_agreement(truth: np.ndarray, scores: np.ndarray, seed: int = 0) -> float:
    """The threshold with the best median of Cohen's kappa: truth (n,) {0, 1}, scores (n,).

    After GHOST (Esposito et al. 2021, J. Chem. Inf. Model. 61): `GHOST_ROUNDS` random parts, each
    `GHOST_SHARE` of the images with and of those without the label (at least one of each), so that one lucky
    cut in one sample does not win; of equals the lowest. NaN where no image, or every one, has the label.

    >>> best_agreement(np.array([1] * 10 + [0] * 30), np.repeat([0.42, 0.11], [10, 30]))
    0.15
    """
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    if truth.all() or not truth.any():
        return float("nan")
    rng = np.random.default_rng(seed)
    yes, no = (scores[truth], scores[~truth])
    values = [kappa(_part(yes, rng), _part(no, rng)) for _ in range(GHOST_ROUNDS)]
    return round(float(GHOST_CANDIDATES[np.argmax(np.median(values, axis=0))]), 2)


def _part(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(scores, max(1, round(GHOST_SHARE * len(scores))), replace=False)


def kappa(with_label: np.ndarray, without: np.ndarray) -> np.ndarray:
    """Cohen's kappa of `score >= threshold` with the truth at each of CANDIDATES, from the scores of images
    with and without the label; 0 where chance would do as well by always saying the same."""
    found = (with_label[:, None] >= GHOST_CANDIDATES).sum(axis=0)
    wrong = (without[:, None] >= GHOST_CANDIDATES).sum(axis=0)
    n, positives, said = len(with_label) + len(without), len(with_label), found + wrong
    agreed = (found + len(without) - wrong) / n
    chance = (said * positives + (n - said) * (n - positives)) / n**2
    return np.where(chance < 1, (agreed - chance) / np.maximum(1 - chance, 1e-12), 0.0)
