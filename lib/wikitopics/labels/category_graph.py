"""The category graph in columns: no object per category, parents as one compressed sparse row array."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from wikitopics.labels.head_words import HeadWords
from wikitopics.labels.lookup import Texts, positions

UNCONNECTED = -1  # depth of a category from which no parents lead to the root


@dataclass(frozen=True)
class CategoryGraph:
    """Categories 0..n-1 with their parents.

    titles: n names. indptr: (n + 1,) int64 and parents: (m,) int32, so that the parents of category i are
    parents[indptr[i]:indptr[i + 1]], in page order. depth: (n,) int16, the root has 1, UNCONNECTED where
    there is no way. hidden: (n,) bool. heads: their lexical heads, word by word. notes: what was left out,
    sentence fragment -> count.
    """

    titles: pa.Array
    indptr: np.ndarray
    parents: np.ndarray
    depth: np.ndarray
    hidden: np.ndarray
    heads: HeadWords
    notes: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.titles)

    def find(self, titles: Texts | list[str]) -> np.ndarray:
        """Index of each title, -1 where the graph has no such category (a red link): (k,) int32."""
        return positions(pa.array(titles, pa.string()) if isinstance(titles, list) else titles, self.titles)

    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """All (category, parent) pairs as two int32 arrays, in order of the category."""
        categories = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.indptr))
        return categories, self.parents

    def title(self, index: int) -> str:
        """Name of one category."""
        return self.titles[int(index)].as_py()
