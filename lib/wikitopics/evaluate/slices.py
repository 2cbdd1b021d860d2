"""Where a model fails: the same metric on parts of the test set and of the labels."""

import numpy as np
import pandas as pd
from scipy import sparse

from wikitopics import ranking
from wikitopics.evaluate import bootstrap, intervals, metrics

FLAT = 0.3  # share of an image's pixels of one (coarse) colour from which it counts as a drawing on a ground
GRID = 32  # pixels a side that are looked at for it: a share of 0.3 is then known to 0.015
TOGETHER = 256  # images looked at together
SIZE = 250  # px, shorter side: below, a picture was small already when it was found


def image_slices(table: pd.DataFrame, images: np.ndarray) -> dict[str, np.ndarray]:
    """Parts of the test set by name, each a boolean mask (n,): file type, picture kind, size as found.

    table: the images' rows of images.parquet (row, format, width, height), in the order of the predictions;
    images: (m, S, S, 3) uint8, indexed by `row`. "flat ground" is measured, not looked up: 30 % of the pixels
    have one colour of 512, as in most drawings and few photographs; what padding has added is not looked at.
    """
    found = {f"file type {name}": (table["format"] == name).to_numpy() for name in table["format"].unique()}
    sides = table[["width", "height"]]
    inner = (sides.min(axis=1) / sides.max(axis=1) * images.shape[1]).astype(int).clip(lower=1)
    rows, inner = table["row"].to_numpy(), inner.to_numpy()
    chunks = [slice(start, start + TOGETHER) for start in range(0, len(rows), TOGETHER)]
    shares = [commonest_colour(middle(images, rows[chunk], inner[chunk])) for chunk in chunks]
    flat = np.concatenate(shares) >= FLAT if shares else np.zeros(0, bool)
    small = sides.min(axis=1).to_numpy() < SIZE
    found |= {"flat ground": flat, "no flat ground": ~flat}
    return found | {f"shorter side < {SIZE} px": small, f"shorter side >= {SIZE} px": ~small}


def middle(images: np.ndarray, rows: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """A grid over the middle square of images[rows], of `sides` (n,) pixels: (n, GRID, GRID, 3) uint8."""
    side = images.shape[1]
    at = (side - sides[:, None]) // 2 + ((np.arange(GRID) + 0.5) / GRID * sides[:, None]).astype(int)
    place = (rows[:, None, None] * side + at[:, :, None]) * side + at[:, None, :]
    return images.reshape(-1, 3).take(place.ravel(), axis=0).reshape(*place.shape, 3)


def commonest_colour(pixels: np.ndarray) -> np.ndarray:
    """Share of each image's pixels with the commonest of 8 x 8 x 8 colours: (n, h, w, 3) uint8 -> (n,).

    >>> commonest_colour(np.zeros((1, 4, 4, 3), np.uint8))
    array([1.])
    """
    red, green, blue = np.moveaxis((pixels >> 5).reshape(len(pixels), -1, 3).astype(np.int32), 2, 0)
    colours = (red << 6) + (green << 3) + blue
    of_image = colours + 512 * np.arange(len(pixels), dtype=np.int32)[:, None]
    counts = np.bincount(of_image.ravel(), minlength=512 * len(pixels)).reshape(-1, 512)
    return counts.max(axis=1) / colours.shape[1]


def by_image(
    slices: dict[str, np.ndarray],
    truth: np.ndarray,
    predicted: np.ndarray,
    groups: np.ndarray,
    rounds: int,
    seed: int,
) -> pd.DataFrame:
    """Micro-F1 of each part with its interval, beside that of the other images; first row: all images.

    Columns slice, images, micro_f1, low, high, others (their micro F1), p_holm (of both being alike,
    corrected for the number of parts). Parts that hold no image or every image are left out; one of fewer
    than intervals.FEWEST groups has neither interval nor p (NaN). Rounds are those of bootstrap.bootstrap.
    """
    parts = {name: part for name, part in slices.items() if part.any() and not part.all()}
    parts = {"all images": np.ones(len(truth), dtype=bool)} | parts
    cells = np.stack(metrics.counts(truth.T, predicted.T), axis=1)  # of each image
    of_group = sparse.csr_array((np.ones(len(groups)), (groups, np.arange(len(groups)))))
    sums = np.hstack([of_group @ (cells * part[:, None]) for part in parts.values()])
    drawn = bootstrap.resampled_sums(sums, rounds, seed).reshape(rounds, len(parts), 3)
    rows = []
    for place, (name, part) in enumerate(parts.items()):
        held, held_by_others = (len(np.unique(groups[some])) for some in (part, ~part))
        own, others = _micro_f1(cells[part].sum(axis=0)), _micro_f1(cells[~part].sum(axis=0))
        again, again_others = _micro_f1(drawn[:, place]), _micro_f1(drawn[:, 0] - drawn[:, place])
        low, high = intervals.metric_interval("micro f1", own, again, np.array([held]), degrees=held - 1)
        p = intervals.p_alike(own, others, again, again_others, min(held, held_by_others))
        rows.append((name, int(part.sum()), float(own), float(low), float(high), float(others), p))
    table = pd.DataFrame(rows, columns=["slice", "images", "micro_f1", "low", "high", "others", "p_holm"])
    return table.assign(p_holm=intervals.holm(table["p_holm"]))


def _micro_f1(counts: np.ndarray) -> np.ndarray:
    """Of true positives, false positives and false negatives, the last axis."""
    return metrics.precision_recall_f1(*np.moveaxis(counts, -1, 0))[2]


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
