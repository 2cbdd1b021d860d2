"""A map of judged images: places near where features are near, titles, and colours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from wikitopics.errors import UserError

MOST_ON_MAP = 400  # images on the map of an executed notebook: about 50 kB

MOST_PLACED = 3000  # pictures that are placed; more would take minutes, and cover one another
COMPONENTS = 50  # principal components that t-SNE sees
PERPLEXITY, ITERATIONS = 15, 500  # about as many neighbours count; twice as many iterations changed nothing

RIGHT, MISSED, WRONG, BOTH = "all right", "a label is missing", "a label too many", "both kinds of mistake"
NONE, OTHER = "no label", "other labels"
MOST_KINDS = 8  # kinds with a colour of their own


@dataclass(frozen=True)
class Mapped:
    """Images on a map.

    titles (n); places (n, 2) int16, see placed; colourings: name -> n kinds; soft: the kinds that
    nobody looks for; told: a sentence about what is on the map.
    """

    titles: list[str]
    places: np.ndarray
    colourings: dict[str, list[str]]
    told: str
    soft: tuple[str, ...] = (RIGHT, OTHER, NONE)


NOTHING = Mapped([], np.empty((0, 2), np.int16), {"mistake": [], "label": []}, "there are no features")


def mapped(
    frame: pd.DataFrame,
    truth: np.ndarray,
    predicted: np.ndarray,
    label_names: Sequence[str],
    features: np.ndarray | None,
    seed: int = 0,
    most: int = MOST_ON_MAP,
) -> Mapped:
    """A map of at most `most` of the images in `frame` (title, row), by mistake and by label.

    truth, predicted: (n, L) {0, 1}; features: (m, d), indexed by `row`, or None: then the map is empty.
    """
    if features is None:
        return NOTHING
    vectors = np.asarray(features[frame["row"].to_numpy()], np.float32)
    rows, places = placed(vectors, seed, most)
    colourings = {
        "mistake": mistake_kinds(truth[rows], predicted[rows]),
        "label": rarest_labels(truth[rows], label_names),
    }
    drawn = "" if len(rows) == len(frame) else f", drawn by chance from {len(frame):,}"
    told = (
        f"{len(rows):,} images{drawn}; of the ten nearest of each by features, "
        f"{neighbours_kept(vectors[rows], places):.0%} are among the ten nearest on the map"
    )
    return Mapped(frame["title"].iloc[rows].tolist(), places, colourings, told)


def placed(features: np.ndarray, seed: int = 0, most: int = MOST_PLACED) -> tuple[np.ndarray, np.ndarray]:
    """Where pictures lie on a map: rows (k,) int64 of `features` (n, d), ascending, and places (k, 2) int16.

    Places are from -1000 to 1000 in each direction and have no unit: neighbours mean something, distances
    across the map, directions and empty space do not. Above `most` a random sample of that size is placed.
    By cosine: principal components of the vectors at length 1, then t-SNE (van der Maaten and Hinton,
    "Visualizing Data using t-SNE", JMLR 2008). The same on one machine for a seed. Fewer than 5 pictures lie
    in a row. Raises UserError where features are no finite numbers.
    """
    if np.ndim(features) != 2:
        raise UserError(f"features must be (pictures, features), but are {np.shape(features)}; give a matrix")
    count = len(features)
    rows = np.arange(count)
    if count > most:
        rows = np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
    vectors = np.asarray(features[rows], np.float32)
    if not np.isfinite(vectors).all():
        raise UserError("features must be finite numbers, but some are not; compute them again")
    if len(rows) < 5:
        return rows, np.stack([np.linspace(-1000, 1000, len(rows)), np.zeros(len(rows))], 1).astype(np.int16)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    flat = _flattened(vectors, seed)
    flat -= flat.mean(axis=0)
    return rows, np.round(flat * (1000 / max(np.abs(flat).max(), 1e-12))).astype(np.int16)


def _flattened(vectors: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if not np.ptp(vectors, axis=0).any():  # all pictures the same: nothing to place
        return np.zeros((len(vectors), 2))
    components = PCA(min(COMPONENTS, *vectors.shape), random_state=seed).fit_transform(vectors)
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    how = {"perplexity": perplexity, "max_iter": ITERATIONS, "init": "random", "random_state": seed}
    if components.shape[1] > 1:
        how["init"] = components[:, :2] / max(components[:, 0].std(), 1e-12) * 1e-4
    # One thread: its steps are short, and threads that wait for each other cost ten times their work.
    with threadpool_limits(1):
        return TSNE(2, **how).fit_transform(components)


def neighbours_kept(features: np.ndarray, places: np.ndarray, count: int = 10) -> float:
    """Share of each picture's `count` nearest by features (n, d) that are among its nearest on the map."""
    from wikitopics.evaluate.neighbours import Index, nearest

    rows = np.arange(len(features))
    by_features, _ = nearest(Index(np.asarray(features, np.float32), approximate=False), rows, count)
    apart = ((places[:, None].astype(float) - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    on_map = np.argsort(apart, axis=1, kind="stable")[:, : by_features.shape[1]]
    if not by_features.size:
        return 1.0
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(by_features, on_map, strict=True)]))


def mistake_kinds(truth: np.ndarray, predicted: np.ndarray) -> list[str]:
    """What is wrong with each image: truth and predicted (n, L) {0, 1} -> n of four kinds.

    >>> mistake_kinds(np.array([[1, 0], [1, 0]]), np.array([[1, 0], [0, 1]]))
    ['all right', 'both kinds of mistake']
    """
    missed = ((truth == 1) & (predicted == 0)).any(axis=1)
    wrong = ((truth == 0) & (predicted == 1)).any(axis=1)
    return np.select([missed & wrong, missed, wrong], [BOTH, MISSED, WRONG], RIGHT).tolist()


def rarest_labels(truth: np.ndarray, label_names: Sequence[str], most: int = MOST_KINDS) -> list[str]:
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
