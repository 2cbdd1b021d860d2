"""A confusion matrix for several labels an image: which label is said where another was meant."""

import numpy as np
import pandas as pd

NO_TRUE, NO_PREDICTED = "(no true label)", "(nothing predicted)"
SHOWN = 30  # labels; a larger matrix cannot be read


def multi_label_confusion(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """The confusion matrix: rows true, then "no true label"; columns predicted, then "nothing predicted".

    (n, L), (n, L) {0, 1} -> (L + 1, L + 1) int. MLCM of Heydarian, Doyle and Samavi 2022 (IEEE Access 10).
    A right label counts on the diagonal. An image's wrongly said labels are each set against each of its
    missed ones; against all its true labels where none was missed; missed labels alone go to the last column.
    So the matrix does not depend on the order of labels. Cells off the diagonal count pairs, not images.

    >>> multi_label_confusion(np.array([[1, 0], [1, 1]]), np.array([[0, 1], [1, 0]])).tolist()
    [[1, 1, 0], [0, 0, 1], [0, 0, 0]]
    """
    truth, predicted = np.asarray(truth, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    extra, missed = predicted * (1 - truth), truth * (1 - predicted)
    has_extra, has_missed = extra.any(axis=1, keepdims=True), missed.any(axis=1, keepdims=True)
    has_truth = truth.any(axis=1, keepdims=True)
    matrix = np.zeros((truth.shape[1] + 1,) * 2, dtype=np.int64)
    blamed = np.where(has_missed, missed, truth)  # what an extra label is set against
    matrix[:-1, :-1] = blamed.T @ extra + np.diag((truth * predicted).sum(axis=0))
    matrix[-1, :-1] = (extra * ~has_truth).sum(axis=0)
    matrix[:-1, -1] = (missed * ~has_extra).sum(axis=0)
    matrix[-1, -1] = (~has_truth & ~predicted.any(axis=1, keepdims=True)).sum()
    return matrix


def confusion_shares(truth: np.ndarray, predicted: np.ndarray, label_names: list[str]) -> pd.DataFrame:
    """The matrix as shares of its rows, with names: index true, columns predicted; an empty row is 0.

    Of more than `SHOWN` labels those that most images truly have, in their order; shares are of all labels.
    """
    matrix = multi_label_confusion(truth, predicted)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    table = pd.DataFrame(shares, index=[*label_names, NO_TRUE], columns=[*label_names, NO_PREDICTED])
    most = np.sort(np.argsort(-np.asarray(truth).sum(axis=0, dtype=np.int64), kind="stable")[:SHOWN])
    kept = [label_names[place] for place in most]
    return table.loc[[*kept, NO_TRUE], [*kept, NO_PREDICTED]]
