"""Every single mistake as a row, worst first: what the browser and the gallery of 04_evaluate show."""

import numpy as np
import pandas as pd

from wikitopics.evaluate.metrics import predict

COLUMNS = ["title", "row", "split", "label", "kind", "score", "threshold", "margin", "loss"]
_EDGE = 1e-7


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
