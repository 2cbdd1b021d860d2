"""How well labels agree with people: precision, recall and F1 of each label and on average."""

import numpy as np
import pandas as pd

from wikitopics.labels.labelled import Labelled
from wikitopics.labels.lineage import label_matrix

SUMMARIES = ("micro", "macro")


def against_people(labelled: Labelled, people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Truth and labels of the files that people judged, in their order: two (n, n_labels) uint8 matrices."""
    said = labelled.labels.set_index("title")["labels"]
    people = people[people["title"].isin(said.index)]
    names = labelled.label_names
    return label_matrix(people["labels"], names), label_matrix(said.loc[people["title"]], names)


def judge(
    truth: np.ndarray, said: np.ndarray, label_names: list[str], rounds: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """One row for micro, macro and each label: label, people, said, precision, recall, f1, f1_low, f1_high.

    truth, said: (n, n_labels) {0, 1}. Macro is the mean over labels that people gave at all; f1_low and
    f1_high hold 95 % of `rounds` bootstrap resamples of the files (percentiles).
    """
    counts = _counts(truth, said, np.ones((1, len(truth)), dtype=np.float32))[:, 0]
    drawn = _f1s(_counts(truth, said, _weights(len(truth), rounds, seed)), truth.sum(axis=0) > 0)
    low, high = _interval(drawn)
    rows = _rows(counts, truth.sum(axis=0) > 0)
    return pd.DataFrame(
        {"label": [*SUMMARIES, *label_names], **rows, "f1_low": low, "f1_high": high},
    )


def _interval(drawn: np.ndarray) -> np.ndarray:
    """2.5 and 97.5 percentile of each column, NaN where a column has no value at all: (2, k)."""
    some = ~np.isnan(drawn).all(axis=0)
    ends = np.full((2, drawn.shape[1]), np.nan)
    if len(drawn):
        ends[:, some] = np.nanpercentile(drawn[:, some], [2.5, 97.5], axis=0)
    return ends


def _weights(n: int, rounds: int, seed: int) -> np.ndarray:
    """How often each file is drawn in each resample: (rounds, n) float32."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=rounds).astype(np.float32)


def _counts(truth: np.ndarray, said: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Right, said and true of every label in every resample: (3, rounds, n_labels) float32."""
    both = truth.astype(np.float32) * said
    return np.stack([weights @ part.astype(np.float32) for part in (both, said, truth)])


def _f1s(counts: np.ndarray, given: np.ndarray) -> np.ndarray:
    """F1: micro, macro over the `given` labels, each label; (rounds, 2 + n_labels)."""
    right, said, true = counts
    with np.errstate(invalid="ignore"):
        each = 2 * right / (said + true)
    total = counts.sum(axis=2)
    micro = 2 * total[0] / np.maximum(total[1] + total[2], 1)
    macro = np.nan_to_num(each[:, given]).mean(axis=1)
    return np.column_stack([micro, macro, each])


def _rows(counts: np.ndarray, given: np.ndarray) -> dict[str, np.ndarray]:
    right, said, true = counts
    with np.errstate(invalid="ignore", divide="ignore"):
        each = {"precision": right / said, "recall": right / true, "f1": 2 * right / (said + true)}
        total = counts.sum(axis=1)
        micro = {
            "precision": total[0] / total[1],
            "recall": total[0] / total[2],
            "f1": 2 * total[0] / total[1:].sum(),
        }
    macro = {name: np.nan_to_num(values[given]).mean() for name, values in each.items()}
    rows = {name: np.concatenate([[micro[name], macro[name]], values]) for name, values in each.items()}
    sizes = {"people": true, "said": said}
    return {name: np.concatenate([[v.sum()] * 2, v]).astype(int) for name, v in sizes.items()} | rows
