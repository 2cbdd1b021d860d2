"""Candidates for the nearest in a large set: vectors in few dimensions, sorted into cells, by faiss.

An inverted file (Sivic and Zisserman, "Video Google", ICCV 2003) over principal components: a question looks
only into the cells whose centres are nearest. A vector takes DIMENSIONS bytes in memory, whatever its own
length; what is found is to be compared by the whole vectors, which may lie on a disk.
"""

import importlib.util
from collections.abc import Callable

import numpy as np

from wikitopics.errors import UserError

DIMENSIONS = 256  # principal components that are kept
CELLS = 2.0  # times the square root of the number of vectors
TAUGHT = 50  # vectors a cell that the centres are learned from
VISITED = 32  # cells that a question looks into
ADDED = 8192  # vectors read at once


def installed() -> bool:
    """Whether the package faiss is there."""
    return importlib.util.find_spec("faiss") is not None


class Cells:
    """Vectors in cells: `count` of d numbers each; `units(rows)` gives some at length 1, (len(rows), d).

    The same vectors and seed give the same cells. Raises UserError where faiss is not installed.
    """

    def __init__(self, count: int, width: int, units: Callable[[np.ndarray], np.ndarray], seed: int) -> None:
        if not installed():
            raise UserError(
                "an approximate index needs the package faiss, but it is not installed; install it "
                "(pip install -e '.[alike]') or leave approximate at None"
            )
        import faiss

        cells = max(1, min(count // TAUGHT, round(CELLS * count**0.5)))
        self._index = faiss.index_factory(width, f"PCA{min(DIMENSIONS, width, count)},IVF{cells},SQ8")
        inverted = faiss.extract_index_ivf(self._index)
        inverted.cp.seed, inverted.nprobe = seed + 1, min(VISITED, cells)
        taught = np.random.default_rng(seed).choice(count, min(count, TAUGHT * cells), replace=False)
        self._index.train(units(np.sort(taught)))
        for start in range(0, count, ADDED):
            self._index.add(units(np.arange(start, min(count, start + ADDED))))

    def candidates(self, units: np.ndarray, wanted: int) -> np.ndarray:
        """Rows (q, wanted) int64 that may be nearest to vectors (q, d) of length 1, -1 if too few."""
        return self._index.search(np.ascontiguousarray(units), wanted)[1]
