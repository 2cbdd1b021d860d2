"""Pictures on a plane: near where their features are near, as far as two dimensions allow."""

import numpy as np
from threadpoolctl import threadpool_limits

from wikitopics.errors import UserError

MOST = 3000  # pictures that are placed; more would take minutes, and cover one another
COMPONENTS = 50  # principal components that t-SNE sees
PERPLEXITY, ITERATIONS = 15, 500  # about as many neighbours count; twice as many iterations changed nothing


def placed(features: np.ndarray, seed: int = 0, most: int = MOST) -> tuple[np.ndarray, np.ndarray]:
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
    from wikitopics.alike.index import Index, nearest

    rows = np.arange(len(features))
    by_features, _ = nearest(Index(np.asarray(features, np.float32), approximate=False), rows, count)
    apart = ((places[:, None].astype(float) - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    on_map = np.argsort(apart, axis=1, kind="stable")[:, : by_features.shape[1]]
    if not by_features.size:
        return 1.0
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(by_features, on_map, strict=True)]))
