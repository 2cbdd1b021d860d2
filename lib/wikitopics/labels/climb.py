"""Carrying values up and down the hops: one vectorised step for each depth."""

import numpy as np
from scipy import sparse

from wikitopics.labels.hops import Hops

ROUNDS = 1000  # more than any chain of hops that do not lead nearer to the root


class Ladder:
    """Hops in order of their source's depth, so that one pass from the root outward finds its targets done.

    A hop to a category that is not less deep may find its target not yet done: then the pass is repeated
    until nothing changes.
    """

    def __init__(self, hops: Hops, depth: np.ndarray) -> None:
        by_source = np.argsort(hops.source, kind="stable")
        order = by_source[np.argsort(depth[hops.source[by_source]], kind="stable")]
        source, self.target = hops.source[order], hops.target[order]
        first = np.flatnonzero(np.diff(source, prepend=-1))
        self.source = source[first]
        self.start = np.append(first, len(source))
        self.levels = np.append(np.flatnonzero(np.diff(depth[self.source], prepend=-2)), len(first))
        goes_on = np.zeros(len(depth), dtype=bool)
        goes_on[self.source] = True
        self.once = not (goes_on[self.target] & (depth[self.target] >= depth[source])).any()

    def climb(self, values: np.ndarray, combine: np.ufunc = np.bitwise_or) -> np.ndarray:
        """Combine values[source] with those of all its targets, in place, until nothing changes.

        `combine` must be idempotent and monotone (bitwise_or, minimum): the result is its least fixed point.
        """
        for _ in range(ROUNDS):
            changed = False
            for source, start, target in self.steps():
                new = combine(values[source], combine.reduceat(values[target], start, axis=0))
                changed = changed or bool((new != values[source]).any())
                values[source] = new
            if self.once or not changed:
                break
        return values

    def average(self, values: np.ndarray, precision: float = 1e-4) -> np.ndarray:
        """Replace values[source] by the mean of its targets' rows, in place: a random walk along the hops.

        In a loop the walk goes on until no value moves by more than `precision`.
        """
        for _ in range(ROUNDS):
            moved = 0.0
            for source, start, target in self.steps():
                ends = np.append(start, len(target))
                chance = np.repeat((1 / np.diff(ends)).astype(np.float32), np.diff(ends))
                new = sparse.csr_matrix((chance, target, ends), (len(source), len(values))) @ values
                moved = moved if self.once else max(moved, float(np.abs(new - values[source]).max()))
                values[source] = new
            if self.once or moved <= precision:
                break
        return values

    def steps(self):
        """For each depth: sources, where the hops of each start, targets."""
        for first, last in zip(self.levels[:-1], self.levels[1:], strict=True):
            start = self.start[first:last]
            yield self.source[first:last], start - start[0], self.target[start[0] : self.start[last]]
