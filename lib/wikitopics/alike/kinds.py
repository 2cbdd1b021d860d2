"""Kinds of pictures, one a picture, few enough to be told apart on a map."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

RIGHT, MISSED, WRONG, BOTH = "all right", "a label is missing", "a label too many", "both kinds of mistake"
NONE, OTHER = "no label", "other labels"
MOST = 8  # kinds with a colour of their own


def mistake_kinds(truth: np.ndarray, predicted: np.ndarray) -> list[str]:
    """What is wrong with each image: truth and predicted (n, L) {0, 1} -> n of four kinds.

    >>> mistake_kinds(np.array([[1, 0], [1, 0]]), np.array([[1, 0], [0, 1]]))
    ['all right', 'both kinds of mistake']
    """
    missed = ((truth == 1) & (predicted == 0)).any(axis=1)
    wrong = ((truth == 0) & (predicted == 1)).any(axis=1)
    return np.select([missed & wrong, missed, wrong], [BOTH, MISSED, WRONG], RIGHT).tolist()


def rarest_labels(truth: np.ndarray, label_names: Sequence[str], most: int = MOST) -> list[str]:
    """One label for each image: the rarest it has, which in a hierarchy is the most special one.

    truth: (n, L) {0, 1}. The `most` most frequent answers stay, the others become OTHER; an image without a
    label is NONE.

    >>> rarest_labels(np.array([[1, 1], [1, 0], [0, 0]]), ["Nature", "Plants"])
    ['Plants', 'Nature', 'no label']
    """
    counts = truth.sum(axis=0)
    order = np.argsort(counts, kind="stable")
    if not len(order):
        return [NONE] * len(truth)
    first = order[np.argmax(truth[:, order] == 1, axis=1)]
    names = pd.Series(np.where(truth.any(axis=1), np.array(label_names, object)[first], NONE), dtype=object)
    frequent = names[names != NONE].value_counts().index[:most]
    return names.where(names.isin([*frequent, NONE]), OTHER).tolist()
