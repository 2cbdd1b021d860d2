"""Repeated grouped nested cross-validation: nothing is chosen on the files it is scored on."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

THRESHOLDS = np.arange(0.15, 0.6, 0.01)
Predict = Callable[[np.ndarray], np.ndarray]


def groups_of(files: pd.DataFrame) -> np.ndarray:
    """Files that share a category, or nearly a title, have one group: (n,) int."""
    group = np.arange(len(files))
    titles = files["title"].str.replace(r"\.[^.]*$|[\W\d_]+", "", regex=True).str.lower().str[:14]
    keys = [
        [*row, f"title {title}"] if len(title) > 5 else list(row)
        for row, title in zip(files["categories"], titles, strict=True)
    ]
    first: dict[str, int] = {}
    for row, names in enumerate(keys):
        for name in names:
            other = first.setdefault(name, row)
            group[group == group[row]] = group[other]
    return group


def folds(group: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Fold of every file, groups whole, folds of about equal size: (n,) int."""
    names, sizes = np.unique(group, return_counts=True)
    order = rng.permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load, fold = np.zeros(k), {}
    for i in order:
        fold[names[i]] = chosen = int(np.argmin(load + rng.random(k) * 0.01))
        load[chosen] += sizes[i]
    return np.array([fold[g] for g in group])


def f1(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Micro and macro F1."""
    hits, sizes = (truth & predicted).sum(0), truth.sum(0) + predicted.sum(0)
    return np.array([2 * hits.sum() / max(sizes.sum(), 1), (2 * hits / np.maximum(sizes, 1)).mean()])


def choose_threshold(scores: np.ndarray, truth: np.ndarray) -> float:
    """The common threshold of the best micro + macro F1, smoothed over its neighbours."""
    values = np.array([f1(truth, scores >= t).sum() for t in THRESHOLDS])
    smooth = np.convolve(np.pad(values, 2, constant_values=values.min()), np.ones(5) / 5, "valid")
    return float(THRESHOLDS[np.argmax(smooth)])


def out_of_fold(fit: Callable[[np.ndarray], Predict], rows: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Scores of every file by a model that did not see its fold."""
    parts = {int(k): fit(rows[fold != k])(rows[fold == k]) for k in np.unique(fold)}
    scores = np.zeros((len(rows), next(iter(parts.values())).shape[1]))
    for k, part in parts.items():
        scores[fold == k] = part
    return scores


def nested(fit, truth: np.ndarray, group: np.ndarray, seed: int, size: int | None = None) -> np.ndarray:
    """Predictions for every file, threshold chosen within the training part only; (n, L) bool.

    `fit(rows)` gives a function from rows to scores. `size`: at most so many training files (learning curve).
    """
    rng = np.random.default_rng(seed)
    fold, predicted = folds(group, 10, rng), np.zeros(truth.shape, dtype=bool)
    for k in range(10):
        train = rng.permutation(np.flatnonzero(fold != k))[:size]
        inner = out_of_fold(fit, train, folds(group[train], 5, rng))
        threshold = choose_threshold(inner, truth[train])
        predicted[fold == k] = fit(train)(np.flatnonzero(fold == k)) >= threshold
    return predicted


def figures(
    fits: Mapping[str, Callable], truth: np.ndarray, group: np.ndarray, seeds: int
) -> dict[str, dict]:
    """Micro and macro F1 of each way to fit: the mean of `seeds` nested repetitions, `low` and `high`."""
    scores = {}
    for name, fit in fits.items():
        scores[name] = told([nested(fit, truth, group, seed) for seed in range(seeds)], truth, group)
        print(name, scores[name], flush=True)
    return scores


def told(predicted: list[np.ndarray], truth: np.ndarray, group: np.ndarray) -> dict:
    """Micro and macro F1, the mean of several predictions, and their interval."""
    low, high = interval(truth, predicted, group)
    mean = np.mean([f1(truth, one) for one in predicted], axis=0)
    return written(mean) | {"low": written(low), "high": written(high)}


def written(values: np.ndarray) -> dict[str, float]:
    """Micro and macro F1 as they are written."""
    return {"micro": round(float(values[0]), 4), "macro": round(float(values[1]), 4)}


def interval(
    truth: np.ndarray, predicted: list[np.ndarray], group: np.ndarray, rounds: int = 1000
) -> np.ndarray:
    """95 % interval over groups of the F1 averaged over repetitions: (2, 2), rows low and high."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(group == g) for g in np.unique(group)]
    values = []
    for _ in range(rounds):
        rows = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        values.append(np.mean([f1(truth[rows], p[rows]) for p in predicted], axis=0))
    return np.percentile(values, [2.5, 97.5], axis=0)
