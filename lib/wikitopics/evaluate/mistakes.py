"""Every single mistake as a row, worst first, and which label is said where another was meant."""

import numpy as np
import pandas as pd

from wikitopics.evaluate.metrics import predict

COLUMNS = ["title", "row", "split", "label", "kind", "score", "threshold", "margin", "loss"]
_EDGE = 1e-7

NO_TRUE, NO_PREDICTED = "(no true label)", "(nothing predicted)"
SHOWN = 30  # labels; a larger matrix cannot be read


def log_loss(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Binary cross-entropy of each cell, nats: (n, L), (n, L) -> (n, L) float64; finite at scores 0 and 1."""
    scores = np.clip(np.asarray(scores, dtype=np.float64), _EDGE, 1 - _EDGE)
    return -np.log(np.where(truth, scores, 1 - scores))


def mistakes(
    frame: pd.DataFrame,
    truth: np.ndarray,
    scores: np.ndarray,
    thresholds: np.ndarray,
    label_names: list[str],
) -> pd.DataFrame:
    """One row for each wrong (image, label) cell, sorted by falling loss.

    frame: title, row, split, one row an image; truth, scores: (n, L); thresholds: (L,).
    Columns: title, row, split, label, kind ("false positive"/"false negative"), score, threshold,
    margin (score - threshold, its sign is the kind), loss (binary cross-entropy, nats).
    """
    image, label = np.nonzero(predict(scores, thresholds) != truth)
    loss = log_loss(truth, scores)[image, label]
    order = np.argsort(-loss, kind="stable")
    image, label = image[order], label[order]
    score = scores[image, label].astype(np.float64)
    threshold = np.asarray(thresholds, dtype=np.float64)[label]
    found = frame[["title", "row", "split"]].iloc[image].reset_index(drop=True)
    kind = np.where(truth[image, label] == 1, "false negative", "false positive")
    return found.assign(
        label=np.array(label_names, dtype=object)[label],
        kind=kind,
        score=score,
        threshold=threshold,
        margin=score - threshold,
        loss=loss[order],
    )[COLUMNS]


def captions(table: pd.DataFrame) -> list[str]:
    """Three lines for each row of a `mistakes` table: title, what went wrong, score against threshold."""
    words = {"false positive": ("wrongly", "≥"), "false negative": ("missed", "<")}
    said = [words[kind] for kind in table["kind"]]
    return [
        f"{row.title}\n{what}: {row.label}\n{row.score:.2f} {sign} {row.threshold:.2f}"
        for row, (what, sign) in zip(table.itertuples(), said, strict=True)
    ]


def worst_images(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Each image's worst mistake, worst first, at most `count` images: rows of a `mistakes` table."""
    return table.drop_duplicates("title").head(count).reset_index(drop=True)


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
