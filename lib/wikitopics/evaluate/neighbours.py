"""Nearest vectors by angle: compared with all in a small set, with candidates from cells in a large one."""

import importlib.util
from collections.abc import Callable, Iterator

import numpy as np

from wikitopics.errors import UserError

EXACT = 100_000  # vectors up to which comparing with all (0.1 s a question) is better than 30 s of preparing
CHUNK = 8192  # rows of a memory-mapped array read at once
QUESTIONS = 512  # vectors compared with all others at once
CANDIDATES, MORE = 100, 10  # compared in full: at least so many, and so many for each that is wanted
TINY = 1e-12  # in place of the length of a zero vector, which is like nothing

DIMENSIONS = 256  # principal components that are kept
CELLS = 2.0  # times the square root of the number of vectors
TAUGHT = 50  # vectors a cell that the centres are learned from
VISITED = 32  # cells that a question looks into
ADDED = 8192  # vectors read at once


class Index:
    """The rows of `features` (n, d), any floats, which may be memory-mapped, found by cosine similarity.

    approximate: None for approximate answers above EXACT vectors where the package faiss is installed, exact
    ones elsewhere; True and False to insist. Approximate ones come from Cells, are then compared by the
    whole vectors, and are the same for a seed. An index is built from vectors and never read from a file.
    A zero vector has the similarity 0 to all. Raises UserError where vectors are no finite numbers, or where
    faiss is needed and missing.
    """

    def __init__(self, features: np.ndarray, approximate: bool | None = None, seed: int = 0) -> None:
        if np.ndim(features) != 2 or not np.issubdtype(features.dtype, np.floating):
            raise UserError(
                "features must be a table of numbers (pictures, features), but are "
                f"{features.dtype} of shape {np.shape(features)}; give those of `wikitopics embed`"
            )
        self.features = features
        self._lengths = np.concatenate([np.empty(0, np.float32), *map(_checked_lengths, self._chunks())])
        wanted = len(features) > EXACT and installed() if approximate is None else approximate
        count, width = features.shape
        self._cells = Cells(count, width, self.units, seed) if wanted and count else None

    def __len__(self) -> int:
        return len(self.features)

    @property
    def approximate(self) -> bool:
        """Whether answers are approximate."""
        return self._cells is not None

    def _chunks(self) -> Iterator[tuple[int, np.ndarray]]:
        """First row and vectors (at most CHUNK, d) float32, in order."""
        for start in range(0, len(self.features), CHUNK):
            yield start, np.asarray(self.features[start : start + CHUNK], np.float32)

    def units(self, rows: np.ndarray) -> np.ndarray:
        """The vectors of some rows at length 1, or 0: (len(rows), d) float32."""
        vectors = np.asarray(self.features[rows], np.float32)
        return vectors / np.maximum(self._lengths[rows], TINY)[:, None]

    def nearest(self, vectors: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The `count` nearest rows of each of `vectors` (q, d), and their similarities, nearest first.

        Returns (q, k) int64 and (q, k) float32 in [-1, 1] with k = min(count, n); of equal ones the first row
        comes first. Which are found where more than k are equally near is left open.

        >>> rows, similarity = Index(np.eye(3)).nearest(np.array([[0.0, 5.0, 0.1]]), 2)
        >>> rows.tolist(), similarity.round(2).tolist()
        ([[1, 2]], [[1.0, 0.019999999552965164]])
        """
        vectors = np.asarray(vectors, np.float32)
        if vectors.ndim != 2 or vectors.shape[1] != self.features.shape[1] or not np.isfinite(vectors).all():
            raise UserError(
                f"vectors asked about must be finite, {self.features.shape[1]} numbers each as the indexed "
                f"ones, but are of shape {vectors.shape}; take both from the same network"
            )
        count = max(0, min(count, len(self)))
        units = vectors / np.maximum(_lengths(vectors), TINY)[:, None]
        some = 64 if self.approximate else QUESTIONS
        found = [self._asked(units[start : start + some], count) for start in range(0, len(units), some)]
        found.append((np.empty((0, count), np.int64), np.empty((0, count), np.float32)))
        rows, similarity = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return rows, np.clip(similarity, -1, 1)

    def _asked(self, units: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        if self._cells is None:
            return self._exact(units, count)
        rows = self._cells.candidates(units, min(len(self), max(CANDIDATES, MORE * count)))
        whole = self.units(rows.ravel()).reshape(*rows.shape, -1)
        similarity = np.where(rows < 0, -np.inf, np.einsum("qcd,qd->qc", whole, units)).astype(np.float32)
        rows, similarity = _highest(rows, similarity, count)
        few = (rows < 0).any(axis=1)  # the cells hold too little
        if few.any():
            rows[few], similarity[few] = self._exact(units[few], count)
        return rows, similarity

    def _exact(self, units: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        rows, best = np.empty((len(units), 0), np.int64), np.empty((len(units), 0), np.float32)
        for start, chunk in self._chunks():
            lengths = np.maximum(self._lengths[start : start + len(chunk)], TINY)
            similarity = (units @ chunk.T) / lengths
            if count < similarity.shape[1]:
                places = np.argpartition(-similarity, count - 1, axis=1)[:, :count] if count else rows[:, :0]
            else:
                places = np.broadcast_to(np.arange(len(chunk)), similarity.shape)
            rows = np.concatenate([rows, places + start], axis=1)
            best = np.concatenate([best, np.take_along_axis(similarity, places, axis=1)], axis=1)
            rows, best = _highest(rows, best, count)
        return rows, best


def _highest(rows: np.ndarray, similarity: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each line the `count` most similar, most similar first, then by row."""
    order = np.lexsort((rows, -similarity), axis=1)[:, :count]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(similarity, order, axis=1)


def nearest(index: Index, rows: np.ndarray, count: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other rows of each of `rows` (q,): (q, k) int64 and similarities, k = min(count, n - 1).

    >>> nearest(Index(np.array([[1.0, 0], [0, 1], [1, 1]])), np.array([0]), 1)[0].tolist()
    [[2]]
    """
    rows = np.asarray(rows, np.int64)
    found, similarity = index.nearest(np.asarray(index.features[rows]), count + 1)
    # The row itself goes last, where it is cut off; among many equal ones it may not have been found.
    order = np.argsort(found == rows[:, None], axis=1, kind="stable")[:, : max(0, min(count, len(index) - 1))]
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(similarity, order, axis=1)


def _checked_lengths(part: tuple[int, np.ndarray]) -> np.ndarray:
    start, chunk = part
    finite = np.isfinite(chunk).all(axis=1)
    if not finite.all():
        row = start + int(np.argmin(finite))
        raise UserError(f"features must be finite numbers, but row {row:,} is not; compute them again")
    return _lengths(chunk)


def _lengths(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors))


# --- Candidates for the nearest in a large set: vectors in few dimensions, sorted into cells, by faiss
#
# An inverted file (Sivic and Zisserman, "Video Google", ICCV 2003) over principal components: a question
# looks only into the cells whose centres are nearest. A vector takes DIMENSIONS bytes in memory, whatever its
# own length; what is found is to be compared by the whole vectors, which may lie on a disk.


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
