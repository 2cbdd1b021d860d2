"""How many pictures have a topic, corrected for the model's mistakes, which a count above a threshold holds.

Whoever counts pictures above a threshold, or adds up probabilities, carries the share of the training images
into pictures where it is another one. Here the mean probability is scaled between what it is on held-out
pictures without the topic and on those with it: share = (mean - without) / (with - without). Source: scaled
probability average, Bella et al. 2010, section 3; it is the adjusted count of Rogan and Gladen 1978 and
Forman 2008 with probabilities in place of decisions. It rests on one assumption: a picture with the topic
looks to the model here as it did there, however many of them there are (prior shift). Photographs scored by
a model of drawings break it, and no interval says so.

The correction is not free: it divides by the distance of the two means, and errs by more where that is small.
Where a topic is as frequent here as among held-out pictures, the mean probability alone errs by half as much
or less; where it is not, by two or three times as much. Which of the two it is, is asked of the pictures.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from wikitopics.evaluate.bootstrap import CHUNK, group_codes, group_weights, interval
from wikitopics.scoring.choose import HeldOut

FEWEST = 5  # held-out pictures with, and without, a topic: with fewer nothing is told of it
SCORED = 10  # scored pictures; fewer are no sample of anything
FAINTEST = 0.01  # share of the rounds in which probabilities may be no higher with the topic than without
STREAMS = 2  # seeds of the two resamples, so that they are independent


def shares(
    probabilities: np.ndarray,
    counted: np.ndarray,
    label_names: list[str],
    held_out: HeldOut,
    groups: np.ndarray,
    rounds: int,
    seed: int,
) -> pd.DataFrame:
    """One row a label, in order: label, held_out (pictures with it), counted, counted_share, expected_share
    (mean probability), share, low, high (95 %), shifted, and pictures, pictures_low, pictures_high (n times
    share, low, high). shifted: whether the mean probability here lies apart from that of other held-out
    pictures, which it does by chance for one label in twenty; where not, expected_share is the nearer guess.

    probabilities (n, L); counted (n, L) bool, above the threshold; groups (n,) of duplicates. low and high
    come from a bootstrap over the held-out groups *and* over the scored ones: they speak about pictures like
    these, and are on the safe side for these alone. Where too little is known (FEWEST, SCORED, FAINTEST)
    share is NaN and the interval is [0, 1].
    """
    n = len(probabilities)
    mean = probabilities.mean(axis=0) if n else np.full(len(label_names), np.nan)
    value = scaled(mean, *class_means(held_out))
    here = resampled_means(probabilities, groups, rounds, seed * STREAMS + 1)
    there = resampled_means(held_out.probabilities, held_out.groups, rounds, seed * STREAMS)
    drawn = scaled(here, *resampled_class_means(held_out, rounds, seed))
    low, high = interval(np.clip(drawn, 0, 1))
    below, above = interval(here - there)
    known = enough_known(held_out, drawn) & (n >= SCORED)
    table = pd.DataFrame(
        {
            "label": label_names,
            "held_out": held_out.truth.sum(axis=0, dtype=int),
            "counted": counted.sum(axis=0, dtype=int),
            "counted_share": counted.mean(axis=0) if n else np.nan,
            "expected_share": mean,
            "share": np.where(known, np.clip(value, 0, 1), np.nan),
            "low": np.where(known, low, 0.0),
            "high": np.where(known, high, 1.0),
            "shifted": (below > 0) | (above < 0),
        }
    )
    names = {"share": "pictures", "low": "pictures_low", "high": "pictures_high"}
    return table.assign(
        **{name: (n * table[column]).round().astype("Int64") for column, name in names.items()}
    )


def scaled(mean: np.ndarray, with_topic: np.ndarray, without: np.ndarray) -> np.ndarray:
    """(mean - without) / (with_topic - without); NaN where with_topic is not higher.

    >>> scaled(np.array([0.3]), np.array([0.7]), np.array([0.1])).round(3)
    array([0.333])
    """
    apart = with_topic - without
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(apart > 0, (mean - without) / apart, np.nan)


def class_means(held_out: HeldOut) -> tuple[np.ndarray, np.ndarray]:
    """Mean probability of each label on held-out pictures with it and without it: (L,), (L,)."""
    truth = held_out.truth.astype(np.float64)
    with_topic, without = (
        _ratio((held_out.probabilities * part).sum(axis=0), part.sum(axis=0)) for part in (truth, 1 - truth)
    )
    return with_topic, without


def resampled_class_means(held_out: HeldOut, rounds: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`class_means` in each resample of the held-out groups: (rounds, L), (rounds, L)."""
    truth = held_out.truth.astype(np.float64)
    columns = [held_out.probabilities * truth, truth, held_out.probabilities * (1 - truth), 1 - truth]
    sums = group_sums(np.concatenate(columns, axis=1), held_out.groups)
    drawn = np.concatenate([weights.T @ sums for weights in _weights(len(sums), rounds, seed * STREAMS)])
    above, positive, below, negative = np.split(drawn, 4, axis=1)
    return _ratio(above, positive), _ratio(below, negative)


def resampled_means(probabilities: np.ndarray, groups: np.ndarray, rounds: int, stream: int) -> np.ndarray:
    """Mean probability of each label in each resample of the groups: (rounds, L); stream seeds the draws."""
    codes = group_codes(groups)
    sums, sizes = group_sums(probabilities, codes), group_sums(np.ones((len(codes), 1)), codes)
    drawn = [_ratio(weights.T @ sums, weights.T @ sizes) for weights in _weights(len(sums), rounds, stream)]
    return np.concatenate(drawn)


def enough_known(held_out: HeldOut, drawn: np.ndarray) -> np.ndarray:
    """Labels of which enough is known to say how many pictures have them: (L,) bool."""
    positive = held_out.truth.sum(axis=0, dtype=int)
    enough = np.minimum(positive, len(held_out.truth) - positive) >= FEWEST
    return enough & (np.isnan(drawn).mean(axis=0) <= FAINTEST)


def group_sums(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Rows of (n, k) added up by group code: (G, k) float64."""
    sums = np.zeros((int(codes.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums


def _weights(groups: int, rounds: int, seed: int) -> Iterator[np.ndarray]:
    for start in range(0, rounds, CHUNK):
        yield group_weights(groups, range(start, min(start + CHUNK, rounds)), seed).astype(np.float64)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below > 0)
