"""How far scores are probabilities, two small ways to make them so, and what silence buys."""

import numpy as np
import pandas as pd
from scipy import stats

from wikitopics.evaluate.bootstrap import CHUNK, LEVEL, group_weights
from wikitopics.evaluate.metrics import counts, precision_recall_f1
from wikitopics.evaluate.thresholds import logit

BINS = 10


def brier(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Mean squared distance of score and truth of each label: (n, L), (n, L) -> (L,) in [0, 1].

    Lower is better. Source: Brier 1950 (the one-class form). The label prior p gives p (1 - p).
    """
    return ((np.asarray(scores, dtype=np.float64) - truth) ** 2).mean(axis=0)


def reliability(truth: np.ndarray, scores: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """Reliability curve of one label, or of all pairs raveled: one row for each bin that holds a score.

    Bins are equally wide: [0, 0.1), ..., [0.9, 1]. Columns: bin, count, score (mean), share (of positives).
    """
    scores = np.ravel(scores).astype(np.float64)
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    some = np.flatnonzero(count)
    return pd.DataFrame(
        {
            "bin": some,
            "count": count[some],
            "score": np.bincount(bin_of, scores, bins)[some] / count[some],
            "share": np.bincount(bin_of, np.ravel(truth), bins)[some] / count[some],
        }
    )


def expected_calibration_error(truth: np.ndarray, scores: np.ndarray, bins: int = BINS) -> float:
    """Mean distance of score and share over the reliability bins, weighted by their counts: in [0, 1].

    Source: Naeini, Cooper and Hauskrecht 2015. NaN for no score at all.
    """
    table = reliability(truth, scores, bins)
    if table.empty:
        return float("nan")
    return float(np.average((table["score"] - table["share"]).abs(), weights=table["count"]))


def resampled_error(
    truth: np.ndarray, scores: np.ndarray, groups: np.ndarray, rounds: int, seed: int, bins: int = BINS
) -> np.ndarray:
    """expected_calibration_error over all pairs in each resample of the groups: (rounds,).

    truth, scores (n, L), groups (n,) int from 0. The same rounds and seed: the groups of bootstrap.bootstrap.
    """
    scores = np.asarray(scores, dtype=np.float64)
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    n_groups, cell = int(groups.max()) + 1, groups[:, None] * bins + bin_of
    apart, count = (
        np.bincount(cell.ravel(), values.ravel(), n_groups * bins).reshape(n_groups, bins)
        for values in (scores - truth, np.ones_like(scores))
    )
    chunks = (range(start, min(start + CHUNK, rounds)) for start in range(0, rounds, CHUNK))
    drawn = [group_weights(n_groups, chunk, seed).T.astype(np.float64) for chunk in chunks]
    return np.concatenate([np.abs(part @ apart).sum(axis=1) / (part @ count).sum(axis=1) for part in drawn])


def error_interval(value: float, rounds: np.ndarray) -> tuple[float, float]:
    """95 % interval of the expected calibration error: (low, high) from its value and its (rounds,).

    Distances without sign are too large in a sample and more so in a resample: the middle is the value less
    that bias, the ends normal, none below 0.
    """
    reach = stats.norm.ppf((1 + LEVEL) / 2) * rounds.std()
    middle = 2 * value - rounds.mean()
    return max(0.0, float(middle - reach)), max(0.0, float(middle + reach))


def per_label(truth: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """One row a label: ece, brier, and brier_prior (the Brier score of the label's own prevalence)."""
    share = np.asarray(truth, dtype=np.float64).mean(axis=0)
    ece = [expected_calibration_error(truth[:, i], scores[:, i]) for i in range(scores.shape[1])]
    return pd.DataFrame({"ece": ece, "brier": brier(truth, scores), "brier_prior": share * (1 - share)})


def fit_temperature(truth: np.ndarray, scores: np.ndarray) -> float:
    """The one temperature T > 0 for which sigmoid(logit(score) / T) has the least log-loss on validation.

    Source: Guo et al. 2017, section 4.2. The order of a label's scores stays; T > 1: over-confident.
    Golden-section search over log T in [-3, 3]; the loss is convex in 1/T, so it has one minimum.
    """
    odds = logit(scores)
    low, high, ratio = -3.0, 3.0, (5**0.5 - 1) / 2
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if _log_loss(truth, odds / np.exp(left)) < _log_loss(truth, odds / np.exp(right)):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def apply_temperature(scores: np.ndarray, temperature: float) -> np.ndarray:
    """sigmoid(logit(score) / temperature): (n, L) float32."""
    return (1 / (1 + np.exp(-logit(scores) / temperature))).astype(np.float32)


def fit_platt(truth: np.ndarray, scores: np.ndarray, ridge: float = 1.0) -> np.ndarray:
    """Slope and intercept of each label, (L, 2), for sigmoid(slope logit(score) + intercept), on validation.

    Source: Platt 1999, by Newton's method; `ridge` holds rare labels near slope 1, intercept 0.
    """
    odds = logit(scores)
    return np.array([_newton(truth[:, i], odds[:, i], ridge) for i in range(scores.shape[1])])


def apply_platt(scores: np.ndarray, platt: np.ndarray) -> np.ndarray:
    """sigmoid(slope logit(score) + intercept) for each label: (n, L) float32."""
    return (1 / (1 + np.exp(-(logit(scores) * platt[:, 0] + platt[:, 1])))).astype(np.float32)


def versions(truth: np.ndarray, scores: np.ndarray, test_scores: np.ndarray) -> dict[str, np.ndarray]:
    """Test scores as they come, by temperature and by Platt, both fitted on validation truth and scores."""
    temperature, platt = fit_temperature(truth, scores), fit_platt(truth, scores)
    return {
        "as it comes": test_scores,
        f"temperature {temperature:.2f}": apply_temperature(test_scores, temperature),
        "Platt": apply_platt(test_scores, platt),
    }


def compare(
    truth: np.ndarray,
    scores_by_name: dict[str, np.ndarray],
    groups: np.ndarray | None = None,
    rounds: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a version of the scores: scores (its name), ece over all pairs, brier (mean over labels).

    With groups (n,) of duplicates, also ece_low and ece_high (95 %).
    """
    rows = []
    for name, scores in scores_by_name.items():
        value = expected_calibration_error(truth, scores)
        rows.append({"scores": name, "ece": value, "brier": brier(truth, scores).mean()})
        if groups is not None:
            ends = error_interval(value, resampled_error(truth, scores, groups, rounds, seed))
            rows[-1] |= dict(zip(("ece_low", "ece_high"), ends, strict=True))
    return pd.DataFrame(rows)


def _newton(truth: np.ndarray, odds: np.ndarray, ridge: float, steps: int = 50) -> np.ndarray:
    design, start = np.column_stack([odds, np.ones_like(odds)]), np.array([1.0, 0.0])

    def loss(weights: np.ndarray) -> float:
        return len(odds) * _log_loss(truth, design @ weights) + ridge / 2 * ((weights - start) ** 2).sum()

    weights = start
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (chance - truth) + ridge * (weights - start)
        curvature = design.T @ (design * (chance * (1 - chance))[:, None]) + ridge * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-9:
            step = step / 2  # a full step can leap over the minimum where scores are near 0 or 1
        weights = weights - step
        if np.abs(step).max() <= 1e-9:
            break
    return weights


def _log_loss(truth: np.ndarray, odds: np.ndarray) -> float:
    return float((np.logaddexp(0, odds) - odds * truth).mean())


def sureness(scores: np.ndarray) -> np.ndarray:
    """Share of an image's labels expected to be right: mean of max(p, 1 - p) over labels, (n,) in [0.5, 1].

    scores: (n, L), calibrated: where a score of 0.8 is right four times in five, this is the expected share.
    """
    scores = np.asarray(scores, dtype=np.float64)
    return np.maximum(scores, 1 - scores).mean(axis=1)


def abstention_curve(
    truth: np.ndarray, predicted: np.ndarray, sure: np.ndarray, steps: int = 20
) -> pd.DataFrame:
    """Quality on the surest images: coverage (share answered), micro_f1, hamming (share of wrong cells).

    (n, L), (n, L) {0, 1}, sure (n,) -> `steps` rows from 1/steps to 1, where they are the plain metrics.
    Abstaining at random keeps both where they are at coverage 1, on average.
    """
    order = np.argsort(-sure, kind="stable")
    rows = []
    for step in range(1, steps + 1):
        kept = order[: max(1, round(len(order) * step / steps))]
        tp, fp, fn = (cell.sum() for cell in counts(truth[kept], predicted[kept]))
        wrong = float((truth[kept] != predicted[kept]).mean())
        rows.append((step / steps, float(precision_recall_f1(tp, fp, fn)[2]), wrong))
    return pd.DataFrame(rows, columns=["coverage", "micro_f1", "hamming"])
