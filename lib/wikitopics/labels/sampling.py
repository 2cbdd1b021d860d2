"""Which files to show to people: uniformly, or where the labels are unsure."""

import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.labels.labelled import Labelled


def uniform(labelled: Labelled, n: int, seed: int) -> pd.Series:
    """Titles of `n` files drawn at random: the only sample whose figures speak for all files."""
    titles = labelled.labels["title"]
    _enough(n, len(titles))
    return titles.iloc[np.sort(np.random.default_rng(seed).choice(len(titles), n, replace=False))]


def uncertain(labelled: Labelled, n: int, seed: int) -> pd.Series:
    """Titles of `n` files drawn with chances in proportion to how unsure their labels are.

    A file is as unsure as its least sure label: the binary entropy of the score, in bits, at least 0.01 so
    that every file can be drawn. Drawn without replacement (Efraimidis & Spirakis 2006).
    """
    titles = labelled.labels["title"]
    _enough(n, len(titles))
    unsure = np.array([entropy(scores).max(initial=0.01) for scores in labelled.labels["scores"]])
    keys = np.log(np.random.default_rng(seed).random(len(unsure))) / unsure
    return titles.iloc[np.sort(np.argsort(-keys)[:n])]


def entropy(scores: np.ndarray) -> np.ndarray:
    """Binary entropy of probabilities, in bits.

    >>> entropy(np.array([0.0, 0.5, 1.0])).tolist()
    [0.0, 1.0, 0.0]
    """
    p = np.clip(np.asarray(scores, dtype=float), 1e-12, 1 - 1e-12)
    return np.round(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)), 9)


def _enough(n: int, there: int) -> None:
    if not 0 < n <= there:
        raise UserError(f"a sample must have from 1 to {there:,} files, but is to have {n:,}; choose fewer")
