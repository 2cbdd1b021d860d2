"""Nearest neighbours by features: the images the network cannot tell from this one."""

from functools import cached_property, lru_cache

import numpy as np

from wikitopics.alike.index import Index, nearest


class Neighbours:
    """Cosine neighbours among features (m, d) float32, which may be memory-mapped; answers are cached.

    Exact, and above alike.index.EXACT images approximate where faiss is installed; the index is made when it
    is first asked.
    """

    def __init__(self, features: np.ndarray) -> None:
        self.features = features
        self.of = lru_cache(maxsize=512)(self._of)

    @cached_property
    def _index(self) -> Index:
        return Index(self.features)

    def _of(self, row: int, count: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the `count` nearest other images and their cosine similarities, nearest first."""
        rows, similarity = nearest(self._index, np.array([row]), count)
        return rows[0], similarity[0]
