"""Where a model fails: the same metric on parts of the test set and of the labels."""

import numpy as np
import pandas as pd

from wikitopics import ranking
from wikitopics.evaluate import bootstrap, intervals, metrics

FLAT = 0.3  # share of an image's pixels of one (coarse) colour from which it counts as a drawing on a ground
SIZE = 250  # px, shorter side: below, a picture was small already when it was found


def image_slices(table: pd.DataFrame, images: np.ndarray) -> dict[str, np.ndarray]:
    """Parts of the test set by name, each a boolean mask (n,): file type, picture kind, size as found.

    table: the images' rows of images.parquet (row, format, width, height), in the order of the predictions;
    images: (m, S, S, 3) uint8, indexed by `row`. "flat ground" is measured, not looked up: 30 % of the pixels
    have one colour of 512, as in most drawings and few photographs.
    """
    found = {f"file type {name}": (table["format"] == name).to_numpy() for name in table["format"].unique()}
    sides = table[["width", "height"]]
    inner = (sides.min(axis=1) / sides.max(axis=1) * images.shape[1]).astype(int).clip(lower=1)
    parts = (middle(images[row], side) for row, side in zip(table["row"], inner, strict=True))
    flat = np.array([commonest_colour(part) for part in parts]) >= FLAT
    small = sides.min(axis=1).to_numpy() < SIZE
    found |= {"flat ground": flat, "no flat ground": ~flat}
    return found | {f"shorter side < {SIZE} px": small, f"shorter side >= {SIZE} px": ~small}


def middle(image: np.ndarray, side: int) -> np.ndarray:
    """The square of `side` pixels in the middle: what padding to a square has not touched."""
    start = (len(image) - side) // 2
    return image[start : start + side, start : start + side]


def commonest_colour(image: np.ndarray) -> float:
    """Share of the pixels with the commonest colour, colours rounded to 8 x 8 x 8: (h, w, 3) uint8 -> [0, 1].

    >>> commonest_colour(np.zeros((4, 4, 3), np.uint8))
    1.0
    """
    coarse = (np.asarray(image, dtype=np.uint16) >> 5).reshape(-1, 3) @ np.array([64, 8, 1], dtype=np.uint16)
    return float(np.bincount(coarse, minlength=512).max() / len(coarse))


def by_image(
    slices: dict[str, np.ndarray],
    truth: np.ndarray,
    predicted: np.ndarray,
    groups: np.ndarray,
    rounds: int,
    seed: int,
) -> pd.DataFrame:
    """Micro-F1 of each part with its interval: slice, images, micro_f1, low, high; first row: all images.

    Parts that hold no image or every image are left out. Rounds are those of bootstrap.bootstrap.
    """
    parts = {name: part for name, part in slices.items() if part.any() and not part.all()}
    parts = {"all images": np.ones(len(truth), dtype=bool)} | parts
    n_groups = int(groups.max()) + 1
    weights = bootstrap.group_weights(n_groups, range(rounds), seed)
    rows = []
    for name, part in parts.items():
        plan = bootstrap.count_plan(truth[part], predicted[part], groups[part], n_groups)
        tp, fp, fn = (weights.T.astype(np.float64) @ cell.sum(axis=1) for cell in plan.counts)
        plain = metrics.precision_recall_f1(*(cell.sum() for cell in plan.counts))[2]
        positives = truth[part].sum()[None]
        drawn = metrics.precision_recall_f1(tp, fp, fn)[2]
        low, high = intervals.metric_interval("micro f1", plain, drawn, positives)
        rows.append((name, int(part.sum()), float(plain), float(low), float(high)))
    return pd.DataFrame(rows, columns=["slice", "images", "micro_f1", "low", "high"])


def by_label_frequency(
    truth: np.ndarray, scores: np.ndarray, thresholds: np.ndarray, support: np.ndarray, top: int = 5
) -> pd.DataFrame:
    """The `top` most frequent labels (by `support`, e.g. in validation) against the rest: labels, precision,
    recall, f1, roc_auc, average_precision, each a macro mean; NaN for a part without a label."""
    order = np.argsort(-np.asarray(support), kind="stable")
    rows = []
    for name, part in ((f"top {top} labels", order[:top]), ("the rest", order[top:])):
        tp, fp, fn = metrics.counts(truth[:, part], metrics.predict(scores[:, part], thresholds[part]))
        values = [metrics.nanmean(value) for value in metrics.precision_recall_f1(tp, fp, fn)]
        values += [
            metrics.nanmean(metric(truth[:, part], scores[:, part]))
            for metric in (ranking.roc_auc, ranking.average_precision)
        ]
        rows.append((name, len(part), *values))
    names = ["slice", "labels", "precision", "recall", "f1", "roc_auc", "average_precision"]
    return pd.DataFrame(rows, columns=names)
