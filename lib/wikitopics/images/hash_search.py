"""All pairs of 64-bit hashes within a few bits, without comparing all with all.

Multi-index hashing (Norouzi, Punjani and Fleet, "Fast Search in Hamming Space with Multi-Index Hashing", CVPR
2012, section 3): the 64 bits are cut into m bands; two hashes within d bits agree in some band up to d // m
bits. Bands are about log2(n) bits wide, so that a bucket holds a few hashes; their bits are spread over the
picture, because whole regions are alike in many pictures (white paper).
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

PAIRS_AT_A_TIME = 1 << 21


def close_pairs(hashes: np.ndarray, distance: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows whose hashes differ in at most `distance` bits.

    `hashes`: (n,) uint64, all different. Returns (m, 2) int64 rows i < j in ascending order, and (m,) uint8
    distances. Time grows with n log n plus the pairs that share a bucket; memory with n plus the pairs found.

    >>> close_pairs(np.array([0b0000, 0b0111, 0b1111], dtype=np.uint64), 1)
    (array([[1, 2]]), array([1], dtype=uint8))
    """
    found = [np.empty(0, dtype=np.int64)]
    for band in _bands(len(hashes)):
        keys = _bits(hashes, band)
        for left, right in _bucket_pairs(keys, len(band), distance // len(_bands(len(hashes)))):
            close = np.bitwise_count(hashes[left] ^ hashes[right]) <= distance
            low, high = np.minimum(left, right)[close], np.maximum(left, right)[close]
            found.append(np.unique(low * len(hashes) + high))
    codes = np.unique(np.concatenate(found))
    pairs = np.stack(np.divmod(codes, max(1, len(hashes))), axis=1)
    return pairs, np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]])


def _bands(count: int) -> list[np.ndarray]:
    """The bit positions of each band; band b holds the bits b, b + m, b + 2 m ..."""
    number = max(2, round(64 / max(8, count.bit_length())))
    return [np.arange(first, 64, number) for first in range(number)]


def _bits(hashes: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The bits at `positions`, packed into an integer: (n,) int64."""
    keys = np.zeros(len(hashes), dtype=np.int64)
    for place, position in enumerate(positions):
        keys |= ((hashes >> np.uint64(position)) & np.uint64(1)).astype(np.int64) << place
    return keys


def _bucket_pairs(keys: np.ndarray, width: int, radius: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows (left, right) whose keys differ in at most `radius` of `width` bits, each pair once."""
    order = np.argsort(keys, kind="stable")
    unique, starts, sizes = np.unique(keys[order], return_index=True, return_counts=True)
    for flip in _flips(width, radius):
        partner = np.searchsorted(unique, unique ^ flip)
        there = partner < len(unique)
        there[there] = unique[partner[there]] == unique[there] ^ flip
        mine = np.flatnonzero(there)
        other = partner[mine]
        once = mine <= other
        for left, right in _products(starts, sizes, mine[once], other[once]):
            different = left < right if flip == 0 else slice(None)
            yield order[left[different]], order[right[different]]


def _flips(width: int, radius: int) -> Iterator[int]:
    for weight in range(radius + 1):
        for bits in combinations(range(width), weight):
            yield sum(1 << bit for bit in bits)


def _products(
    starts: np.ndarray, sizes: np.ndarray, mine: np.ndarray, other: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All pairs (one of bucket mine[k], one of bucket other[k]), about PAIRS_AT_A_TIME at a time."""
    mine_size = sizes[mine]
    # A bucket of its own with too large a partner is cut into rows first.
    rows = np.repeat(np.arange(len(mine)), mine_size)
    row_start = np.repeat(starts[mine] - np.concatenate([[0], np.cumsum(mine_size)[:-1]]), mine_size)
    left = np.arange(len(rows)) + row_start
    ends = np.cumsum(sizes[other][rows])
    begin = 0
    while begin < len(rows):
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + PAIRS_AT_A_TIME)))
        lengths = sizes[other][rows[begin:end]]
        first = np.repeat(starts[other][rows[begin:end]] - (ends[begin:end] - lengths - done), lengths)
        yield np.repeat(left[begin:end], lengths), np.arange(int(lengths.sum())) + first
        begin = end
