"""Feature vectors with the structure of real ones, as many as are wanted: synthetic, and called so."""

from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans

KINDS = 60  # of pictures, by k-means on the real features
KIN = 20  # vectors around one centre: a picture and its neighbours
PARENTS = 3  # real vectors of one kind that a centre is mixed from
OF_CENTRE, OF_VECTOR = 0.5, (0.2, 1.0)  # standard deviations of the factors' logarithms
CHUNK = 8192


def write_like(real: np.ndarray, path: Path, count: int, seed: int = 0) -> np.ndarray:
    """`count` vectors (count, d) float32 like `real` (m, d), written to `path` as .npy and memory-mapped.

    A mixture in two levels. A centre is a mean, with random weights, of PARENTS real vectors of one kind,
    kinds as frequent as in `real`; each of its about KIN vectors is the centre again, times random factors,
    close to it or far as the centre is narrow or wide. Factors, not sums: features are mostly near zero with
    a few large ones, and stay so. The order is random.
    """
    rng = np.random.default_rng(seed)
    kinds = KMeans(KINDS, n_init=1, random_state=seed).fit(real).labels_
    order = np.argsort(kinds, kind="stable")
    first, size = np.searchsorted(kinds[order], kinds), np.bincount(kinds)[kinds]
    out = np.lib.format.open_memmap(path, "w+", np.float32, (count, real.shape[1]))
    for start in range(0, count, CHUNK):
        own = rng.integers(max(1, count // KIN), size=min(CHUNK, count - start))
        centres, place = np.unique(own, return_inverse=True)
        found = [_centre(real, order, first, size, (seed, int(i))) for i in centres]
        middle, width = zip(*found, strict=True)
        factors = rng.standard_normal((len(own), real.shape[1]), np.float32)
        factors *= np.array(width, np.float32)[place][:, None]
        out[start : start + len(own)] = np.stack(middle)[place] * np.exp(factors)
    out.flush()
    return np.load(path, mmap_mode="r")


def _centre(
    real: np.ndarray, order: np.ndarray, first: np.ndarray, size: np.ndarray, seed: tuple[int, int]
) -> tuple[np.ndarray, float]:
    """A centre and how wide its vectors lie, the same for a seed: millions of them are never held."""
    rng = np.random.default_rng(seed)
    one = rng.integers(len(real))
    parents = real[order[first[one] + rng.integers(size[one], size=PARENTS)]]
    weights = rng.dirichlet(np.full(PARENTS, 0.5)).astype(np.float32)
    factors = np.exp(OF_CENTRE * rng.standard_normal(real.shape[1], np.float32))
    return (weights @ parents) * factors, rng.uniform(*OF_VECTOR)
