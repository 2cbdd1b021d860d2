"""Nearest neighbours by features: the images the network cannot tell from this one."""

from functools import lru_cache

import numpy as np

CHUNK = 8192  # rows of a memory-mapped feature file read at once


class Neighbours:
    """Cosine neighbours among features (m, d) float32, which may be memory-mapped; answers are cached."""

    def __init__(self, features: np.ndarray) -> None:
        self.features = features
        self._lengths: np.ndarray | None = None
        self.of = lru_cache(maxsize=512)(self._of)

    def _of(self, row: int, count: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the `count` nearest other images and their cosine similarities, nearest first."""
        similarity = np.concatenate([chunk @ self.features[row] for chunk in self._chunks()])
        lengths = self._norms()
        similarity = similarity / np.maximum(lengths * lengths[row], 1e-12)
        similarity[row] = -np.inf
        count = min(count, len(similarity) - 1)
        nearest = np.argpartition(-similarity, range(count))[:count] if count > 0 else np.array([], dtype=int)
        return nearest, similarity[nearest]

    def _norms(self) -> np.ndarray:
        if self._lengths is None:
            self._lengths = np.concatenate(
                [np.sqrt(np.einsum("ij,ij->i", chunk, chunk)) for chunk in self._chunks()]
            )
        return self._lengths

    def _chunks(self):
        for start in range(0, len(self.features), CHUNK):
            yield np.asarray(self.features[start : start + CHUNK], dtype=np.float32)
