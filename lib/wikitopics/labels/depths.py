"""Depth of every category below the root: breadth first, one vectorised step a level."""

import numpy as np
from scipy import sparse


def depths_from(root: int, indptr: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Number of categories on a shortest way from each category to the root, both counted: (n,) int16.

    The root has 1; -1 where no parents lead to it. Cycles do no harm.

    >>> depths_from(0, np.array([0, 0, 1, 3]), np.array([0, 0, 1]))
    array([1, 2, 2], dtype=int16)
    """
    n = len(indptr) - 1
    start, children = children_of(indptr, parents)
    depth = np.full(n, -1, dtype=np.int16)
    frontier, level = np.array([root]), 1
    while len(frontier):
        depth[frontier] = level
        below = children[spans(start[frontier], start[frontier + 1])]
        frontier, level = np.unique(below[depth[below] < 0]), level + 1
    return depth


def children_of(indptr: np.ndarray, parents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same edges seen from the parents: (indptr, children)."""
    n = len(indptr) - 1
    ones = np.ones(len(parents), dtype=np.int8)
    turned = sparse.csr_matrix((ones, parents, indptr), shape=(n, n)).tocsc()
    return turned.indptr, turned.indices


def spans(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """All integers of the half-open ranges [first, last), one range after the other.

    >>> spans(np.array([2, 7]), np.array([5, 8]))
    array([2, 3, 4, 7])
    """
    length = last - first
    shift = np.repeat(first - np.concatenate([[0], np.cumsum(length)[:-1]]), length)
    return shift + np.arange(length.sum())
