"""Where a model fails: the same metric on parts of the test set and of the labels."""

import numpy as np
import pandas as pd
from scipy import sparse

from wikitopics.evaluate import bootstrap, intervals, metrics
from wikitopics.images.squares import Squares

FLAT = 0.3  # share of an image's pixels of one (coarse) colour from which it counts as a drawing on a ground
GRIDS = (16, 32)  # pixels a side that are looked at for it: a share of 0.3 is then known to 0.03, and 0.015
NEAR = 0.09  # of FLAT, three times what the first grid errs by: only there does it need the second
TOGETHER = 32  # images looked at together: their pixels and counts stay in the processor's cache
SIZE = 250  # px, shorter side: below, a picture was small already when it was found


def image_slices(table: pd.DataFrame, images: Squares) -> dict[str, np.ndarray]:
    """Parts of the test set by name, each a boolean mask (n,): file type, picture kind, size as found.

    table: the images' rows of images.parquet (row, format, width, height), in the order of the predictions;
    images: (m, S, S, 3) uint8, indexed by `row`. "flat ground" is measured, not looked up: 30 % of the pixels
    have one colour of 512, as in most drawings and few photographs; what padding has added is not looked at.
    """
    found = {f"file type {name}": (table["format"] == name).to_numpy() for name in table["format"].unique()}
    sides = table[["width", "height"]]
    inner = (sides.min(axis=1) / sides.max(axis=1) * images.shape[1]).astype(int).clip(lower=1)
    rows, inner = table["row"].to_numpy(), inner.to_numpy()
    shares = shares_of_ground(images, rows, inner, GRIDS[0])
    close = np.flatnonzero(abs(shares - FLAT) < NEAR)
    shares[close] = shares_of_ground(images, rows[close], inner[close], GRIDS[1])
    flat = shares >= FLAT
    small = sides.min(axis=1).to_numpy() < SIZE
    found |= {"flat ground": flat, "no flat ground": ~flat}
    return found | {f"shorter side < {SIZE} px": small, f"shorter side >= {SIZE} px": ~small}


def shares_of_ground(images: Squares, rows: np.ndarray, sides: np.ndarray, grid: int) -> np.ndarray:
    """Share of the commonest colour in the middle square of each of images[rows]: (n,) float64 in (0, 1]."""
    found = np.empty(len(rows))
    for start in range(0, len(rows), TOGETHER):
        some = slice(start, start + TOGETHER)
        found[some] = commonest_colour(middle(images, rows[some], sides[some], grid))
    return found


def middle(images: Squares, rows: np.ndarray, sides: np.ndarray, grid: int) -> np.ndarray:
    """A grid over the middle square of images[rows], of `sides` (n,) pixels: (n, grid, grid, 3) uint8."""
    if not isinstance(images, np.ndarray):  # squares that are decoded whole
        images, rows = images[rows], np.arange(len(rows))
    side = images.shape[1]
    at = (side - sides[:, None]) // 2 + ((np.arange(grid) + 0.5) / grid * sides[:, None]).astype(int)
    place = (rows[:, None, None] * side + at[:, :, None]) * side + at[:, None, :]
    return images.reshape(-1, 3).take(place.ravel(), axis=0).reshape(*place.shape, 3)


def commonest_colour(pixels: np.ndarray) -> np.ndarray:
    """Share of each image's pixels with the commonest of 8 x 8 x 8 colours: (n, h, w, 3) uint8 -> (n,).

    >>> commonest_colour(np.zeros((1, 4, 4, 3), np.uint8))
    array([1.])
    """
    parts = pixels.reshape(len(pixels), -1, 3) >> 5
    colours = parts[..., 0].astype(np.uint16) << 6  # 16 bits as long as possible: half the bytes to move
    colours |= parts[..., 1].astype(np.uint16) << 3
    colours |= parts[..., 2]
    of_image = colours + 512 * np.arange(len(pixels))[:, None]
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
    cells = counted(truth, predicted)
    of_part = np.stack(list(parts.values()))
    kind, has = kinds_of_image(of_part)
    drawn = bootstrap.resampled_sums(sums_of_kinds(cells, kind, groups), rounds, seed)
    drawn = has @ drawn.reshape(rounds, -1, 3)
    rows = []
    for place, (name, part) in enumerate(parts.items()):
        held, held_by_others = (int(np.count_nonzero(np.bincount(groups[some]))) for some in (part, ~part))
        own, others = _micro_f1(cells[part].sum(axis=0)), _micro_f1(cells[~part].sum(axis=0))
        again, again_others = _micro_f1(drawn[:, place]), _micro_f1(drawn[:, 0] - drawn[:, place])
        low, high = intervals.metric_interval("micro f1", own, again, np.array([held]), degrees=held - 1)
        p = intervals.p_alike(own, others, again, again_others, min(held, held_by_others))
        rows.append((name, int(part.sum()), float(own), float(low), float(high), float(others), p))
    table = pd.DataFrame(rows, columns=["slice", "images", "micro_f1", "low", "high", "others", "p_holm"])
    return table.assign(p_holm=intervals.holm(table["p_holm"]))


def counted(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """True positives, false positives and false negatives of each image: (n, 3) float64.

    >>> counted(np.array([[1, 1, 0]]), np.array([[1, 0, 1]]))
    array([[1., 1., 1.]])
    """
    truth, predicted = np.asarray(truth, dtype=bool), np.asarray(predicted, dtype=bool)
    both, said, had = (np.count_nonzero(some, axis=1) for some in (truth & predicted, predicted, truth))
    return np.stack([both, said - both, had - both], axis=1).astype(np.float64)


def kinds_of_image(of_part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images that are in the same parts are of one kind: the kind of each (n,), and (parts, kinds) float64, 1
    where a part holds a kind. An image is in several parts, but of one kind: so much less is to be drawn.

    >>> kinds_of_image(np.array([[1, 1, 1], [0, 1, 1]]) > 0)
    (array([0, 1, 1]), array([[1., 1.],
           [0., 1.]]))
    """
    kind = np.zeros(of_part.shape[1], np.int64)
    for part in of_part:
        kind = pd.factorize(2 * kind + part)[0]
    has = np.zeros((len(of_part), kind.max() + 1))
    for row, part in zip(has, of_part, strict=True):
        row[kind[part]] = 1
    return kind, has


def sums_of_kinds(cells: np.ndarray, kind: np.ndarray, groups: np.ndarray) -> sparse.csr_array:
    """Sums of cells (n, k) over the images of each group and kind: (groups, kinds * k), most of them 0."""
    image, column = cells.nonzero()
    places = groups[image], kind[image] * cells.shape[1] + column
    shape = (groups.max() + 1, (kind.max() + 1) * cells.shape[1])
    return sparse.csr_array((cells[image, column], places), shape=shape)


def _micro_f1(counts: np.ndarray) -> np.ndarray:
    """Of true positives, false positives and false negatives, the last axis."""
    return metrics.precision_recall_f1(*np.moveaxis(counts, -1, 0))[2]


def by_label_frequency(per_label: pd.DataFrame, support: np.ndarray, top: int = 5) -> pd.DataFrame:
    """The `top` most frequent labels against the rest: labels, precision, recall, f1, roc_auc,
    average_precision, each a macro mean; NaN for a part without a label.

    per_label: metrics.per_label's table; support (L,): how frequent its labels are, e.g. in validation.
    """
    order = np.argsort(-np.asarray(support), kind="stable")
    names = ["precision", "recall", "f1", "roc_auc", "average_precision"]
    rows = []
    for name, part in ((f"top {top} labels", order[:top]), ("the rest", order[top:])):
        rows.append((name, len(part), *(metrics.nanmean(per_label[one].to_numpy()[part]) for one in names)))
    return pd.DataFrame(rows, columns=["slice", "labels", *names])
