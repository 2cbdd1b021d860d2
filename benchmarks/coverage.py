"""How often do the 95 % intervals of 04 and 05 hold the truth, and how often did percentiles?

python benchmarks/coverage.py [--quick] [--write FILE]   prints a Markdown table; --write also puts it there

Test sets are drawn again and again from populations whose metrics are known by integration: scores are normal
on log-odds, a label's signal is one to three standard deviations. Every support from 5 to 500 positives, one
label and means over labels. Held is how often the interval has the population's value within; it should be 93
to 97 %. Of 400 test sets a percentage is known to 2 points, of the 200 and 100 of several labels to 3 and 4.
"""

import argparse
from pathlib import Path

import explain  # noqa: F401
import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm

from wikitopics import ranking
from wikitopics.compare.findings import markdown_table
from wikitopics.evaluate import bootstrap, calibration, intervals, metrics

POINTS = np.linspace(-16, 14, 12_001)  # log-odds over which the population's metrics are integrated
SINGLE = ((500, 5), (500, 10), (500, 20), (500, 50), (1000, 100), (4000, 500))  # images, positives of a label
MANY = (
    (500, 20, 5, 10),
    (500, 20, 10, 30),
    (500, 10, 30, 150),
    (2000, 20, 40, 400),
)  # images, labels, from, to
RANKING, DECISIONS, ECE = ("roc_auc", "average_precision"), ("precision", "recall", "f1"), "ece"


class Population:
    """Labels with known shares, signals, offsets and thresholds (L,), and what every metric is there."""

    def __init__(self, share: np.ndarray, signal: np.ndarray):
        self.share, self.signal = share, signal
        self.offset = logit(share) - 0.7 * signal
        self.thresholds = expit(self.offset + 0.9 * signal)

    def draw(self, rng: np.random.Generator, images: int, sets: int) -> tuple[np.ndarray, np.ndarray]:
        """Truth and scores of `sets` test sets side by side: (images, sets * L)."""
        truth = (rng.random((images, sets * len(self.share))) < np.tile(self.share, sets)).astype(np.uint8)
        odds = rng.normal(size=truth.shape) + np.tile(self.signal, sets) * truth + np.tile(self.offset, sets)
        return truth, expit(odds).astype(np.float32)

    def values(self) -> dict[str, float]:
        """Every metric of the population: "macro roc_auc", "micro f1", "micro ece", ..."""
        cells = [self._label(*label) for label in zip(self.share, self.signal, self.offset, strict=True)]
        cut = logit(self.thresholds)
        found = {f"macro {name}": np.mean([_ranking(*cell)[name] for cell in cells]) for name in RANKING}
        found |= {f"micro {name}": value for name, value in _ranking(*np.sum(cells, axis=0)).items()}
        tp = self.share * norm.sf(cut - self.offset - self.signal)
        fp, fn = (1 - self.share) * norm.sf(cut - self.offset), self.share - tp
        found["macro f1"] = (2 * tp / (2 * tp + fp + fn)).mean()
        found |= {"macro precision": (tp / (tp + fp)).mean(), "macro recall": (tp / self.share).mean()}
        found["micro f1"] = 2 * tp.sum() / (2 * tp + fp + fn).sum()
        return found | {f"micro {ECE}": self._ece(*np.sum(cells, axis=0)[:2])}

    def _label(self, share: float, signal: float, offset: float) -> np.ndarray:
        """Densities of positives and negatives, and their shares above each point: (4, points)."""
        with_, without = POINTS - offset - signal, POINTS - offset
        parts = (share * norm.pdf(with_), (1 - share) * norm.pdf(without))
        return np.stack([*parts, share * norm.sf(with_), (1 - share) * norm.sf(without)])

    def _ece(self, positive: np.ndarray, negative: np.ndarray) -> float:
        score, step = expit(POINTS), POINTS[1] - POINTS[0]
        bin_of = np.minimum((score * calibration.BINS).astype(int), calibration.BINS - 1)
        apart = np.bincount(bin_of, (score * (positive + negative) - positive) * step, calibration.BINS)
        return float(np.abs(apart).sum() / ((positive + negative) * step).sum())


def _ranking(positive: np.ndarray, negative: np.ndarray, found: np.ndarray, wrong: np.ndarray) -> dict:
    share, rest = np.trapezoid(positive, POINTS), np.trapezoid(negative, POINTS)
    precision = found / np.maximum(found + wrong, 1e-300)
    return {
        "roc_auc": 1 - np.trapezoid(positive * wrong, POINTS) / (share * rest),
        "average_precision": np.trapezoid(positive * precision, POINTS) / share,
    }


def one_label(images: int, positives: int, signal: float, sets: int, rounds: int, seed: int) -> list[dict]:
    """Coverage of each label's own intervals: every test set is a column, all in the same resamples."""
    population = Population(np.array([positives / images]), np.array([signal]))
    truth, scores = population.draw(np.random.default_rng(seed), images, sets)
    cuts = np.tile(population.thresholds, sets)
    drawn = bootstrap.bootstrap(truth, scores, cuts, np.arange(images), rounds, seed)
    table = metrics.per_label(truth, scores, cuts, [str(number) for number in range(sets)])
    support, known = table["support"].to_numpy()[None], population.values()
    rows = []
    rests_on = {"precision": table["predicted"].to_numpy()[None]}
    for name in (*RANKING, *DECISIONS):
        centre = ranking.precision_of_others(truth, scores) if name == "average_precision" else None
        ends = table[name].to_numpy(), drawn.per_label[name], rests_on.get(name, support), centre
        ours, old = intervals.metric_interval(name, *ends), bootstrap.interval(drawn.per_label[name])
        rows.append(_row(f"{positives}, signal {signal}", name, known[f"macro {name}"], ours, old))
    return rows


def many_labels(
    images: int, labels: int, fewest: int, most: int, sets: int, rounds: int, seed: int
) -> list[dict]:
    """Coverage of macro and micro metrics over labels with `fewest` to `most` positives."""
    rng = np.random.default_rng(seed)
    signal = rng.permutation(np.linspace(1.0, 3.0, labels))
    population = Population(np.linspace(fewest, most, labels) / images, signal)
    known, found = population.values(), {}
    for number in range(sets):
        for name, ends in _test_set(population, rng, images, rounds, seed + number).items():
            found.setdefault(name, []).append(ends)
    where = f"{labels} labels of {fewest} to {most}"
    return [_row(where, name, known[name], *np.array(found[name]).transpose(1, 2, 0)) for name in found]


def _test_set(population: Population, rng: np.random.Generator, images: int, rounds: int, seed: int) -> dict:
    truth, scores = population.draw(rng, images, 1)
    groups, cuts = np.arange(images), population.thresholds
    values = metrics.overall(truth, scores, cuts)
    drawn = bootstrap.bootstrap(truth, scores, cuts, groups, rounds, seed, jobs=1)
    ends = intervals.overall(truth, scores, values, drawn.overall)
    found = {
        f"{average} {name}": (
            ends[f"{average} {name}"],
            bootstrap.interval(drawn.overall[f"{average} {name}"]),
        )
        for average in ("macro", "micro")
        for name in (*RANKING, "f1")
    }
    again = calibration.resampled_error(truth, scores, groups, rounds, seed)
    value = calibration.expected_calibration_error(truth, scores)
    return found | {f"micro {ECE}": (calibration.error_interval(value, again), bootstrap.interval(again))}


def _row(where: str, metric: str, truth: float, ours: tuple, old: tuple) -> dict:
    """One line of the table; "told" is the share of test sets with an interval at all."""
    told = ~np.isnan(ours[0])
    held = ((ours[0] <= truth) & (truth <= ours[1]))[told]
    before = (old[0] <= truth) & (truth <= old[1])
    return {
        "positives": where,
        "metric": metric,
        "truth": truth,
        "held": held.mean() if told.any() else np.nan,
        "too low": (ours[1] < truth)[told].mean() if told.any() else np.nan,
        "too high": (ours[0] > truth)[told].mean() if told.any() else np.nan,
        "width": (ours[1] - ours[0])[told].mean() if told.any() else np.nan,
        "told": told.mean(),
        "percentiles held": before[~np.isnan(old[0])].mean(),
    }


def measure(quick: bool) -> pd.DataFrame:
    """The whole table."""
    sets, rounds = (60, 200) if quick else (400, 400)
    rows = []
    for images, positives in SINGLE:
        for signal in (1.0, 2.5):
            rows += one_label(images, positives, signal, sets, rounds, seed=positives)
    for seed, case in enumerate(MANY):
        rows += many_labels(
            *case, sets // 2 if case[0] <= 500 else sets // 4, rounds, seed=10_000 * (seed + 1)
        )
        print(pd.DataFrame(rows[-7:]).round(3).to_string(index=False), flush=True)
    return pd.DataFrame(rows)


def main(quick: bool, write: str) -> None:
    table = measure(quick).round(3)
    text = markdown_table(table)
    print(text)
    if write:
        Path(write).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="60 test sets each instead of 400")
    parser.add_argument("--write", default="", metavar="FILE", help="write the table to a file")
    main(**vars(parser.parse_args()))
