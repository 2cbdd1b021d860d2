"""Thresholds that agree best beyond chance, over many stratified parts of the validation images."""

import numpy as np

ROUNDS, SHARE = 100, 0.2
CANDIDATES = np.arange(0.05, 0.951, 0.05)


def best_agreement(truth: np.ndarray, scores: np.ndarray, seed: int = 0) -> float:
    """The threshold with the best median of Cohen's kappa: truth (n,) {0, 1}, scores (n,).

    After GHOST (Esposito et al. 2021, J. Chem. Inf. Model. 61): `ROUNDS` random parts, each `SHARE` of the
    images with and of those without the label (at least one of each), so that one lucky cut in one sample
    does not win; of equals the lowest. NaN where no image, or every one, has the label.

    >>> best_agreement(np.array([1] * 10 + [0] * 30), np.repeat([0.42, 0.11], [10, 30]))
    0.15
    """
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    if truth.all() or not truth.any():
        return float("nan")
    rng = np.random.default_rng(seed)
    yes, no = (scores[truth], scores[~truth])
    values = [kappa(_part(yes, rng), _part(no, rng)) for _ in range(ROUNDS)]
    return round(float(CANDIDATES[np.argmax(np.median(values, axis=0))]), 2)


def _part(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(scores, max(1, round(SHARE * len(scores))), replace=False)


def kappa(with_label: np.ndarray, without: np.ndarray) -> np.ndarray:
    """Cohen's kappa of `score >= threshold` with the truth at each of CANDIDATES, from the scores of images
    with and without the label; 0 where chance would do as well by always saying the same."""
    found = (with_label[:, None] >= CANDIDATES).sum(axis=0)
    wrong = (without[:, None] >= CANDIDATES).sum(axis=0)
    n, positives, said = len(with_label) + len(without), len(with_label), found + wrong
    agreed = (found + len(without) - wrong) / n
    chance = (said * positives + (n - said) * (n - positives)) / n**2
    return np.where(chance < 1, (agreed - chance) / np.maximum(1 - chance, 1e-12), 0.0)
