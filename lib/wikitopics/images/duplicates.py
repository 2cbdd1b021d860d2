"""Near duplicates: found by their hash, believed only when the pictures agree too, joined to groups."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

ROUNDS = 100  # of one hash: so many different pictures of equal hash are told apart, the rest stays apart

PAIRS_AT_A_TIME = 1 << 21

DEAD_ZONE = 2  # grey levels
_WITH_LEFT = [place for place in range(9 * 8) if place % 9]  # of the 9 x 8 cells, those with a left neighbour

SIDE = 16  # pixels at which pictures are compared
LIKE = 0.97  # least correlation
NOISE = 1.0  # grey levels below which contrast is none: two blank pictures agree
BRIGHTNESS = 30.0  # most grey levels that the means may differ
AT_A_TIME = 1 << 14


def near_duplicates(hashes: np.ndarray, images: np.ndarray, distance: int) -> pd.DataFrame:
    """Pairs of near duplicates.

    `hashes`: (n,) uint64; `images`: (n, S, S, 3) uint8; `distance`: bits of 64 by which hashes may differ.
    Returns first, second (rows, first < second), distance; each pair passed `alike` too. Of many
    pictures with one hash the later ones are compared with the first they are alike to, not with each other.
    """
    unique, where = np.unique(hashes, return_inverse=True)
    hash_pairs, bits = close_pairs(unique, distance)
    sizes = np.bincount(where, minlength=len(unique))
    in_pair = np.zeros(len(unique), dtype=bool)
    in_pair[hash_pairs] = True
    rows = np.flatnonzero((sizes > 1)[where] | in_pair[where])
    small = thumbnails(images, rows)
    position = np.searchsorted(rows, np.arange(len(hashes)))

    def checked(pairs: np.ndarray) -> np.ndarray:
        return alike(small, position[pairs])

    same, first_of_kind = _same_hash(rows, where, checked)
    other, other_bits = _pairs_of_kinds(first_of_kind, where, hash_pairs, bits)
    kept = checked(other)
    pairs = np.concatenate([same, other[kept]])
    frame = pd.DataFrame(np.sort(pairs, axis=1), columns=["first", "second"])
    frame["distance"] = np.concatenate([np.zeros(len(same), np.uint8), other_bits[kept]])
    return frame.sort_values(["first", "second"], ignore_index=True)


def _same_hash(rows: np.ndarray, where: np.ndarray, checked) -> tuple[np.ndarray, np.ndarray]:
    """Among rows of equal hash: pairs (first of its kind, like it), and the rows first of their kind."""
    left, found, firsts = rows[np.argsort(where[rows], kind="stable")], [np.empty((0, 2), np.int64)], []
    for _ in range(ROUNDS):
        if not len(left):
            break
        starts = np.flatnonzero(np.diff(where[left], prepend=-1))
        leader = np.repeat(left[starts], np.diff(starts, append=len(left)))
        pairs = np.stack([leader, left], axis=1)
        fits = (leader == left) | checked(pairs)
        firsts.append(left[starts])
        found.append(pairs[fits & (leader != left)])
        left = left[~fits]
    return np.concatenate(found), np.concatenate([*firsts, left]).astype(np.int64)


def _pairs_of_kinds(
    firsts: np.ndarray, where: np.ndarray, hash_pairs: np.ndarray, bits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of rows in `firsts` whose hashes are a pair, with the distance of that pair."""
    table = pd.DataFrame({"row": firsts, "hash": where[firsts]})
    pairs = pd.DataFrame({"one": hash_pairs[:, 0], "two": hash_pairs[:, 1], "bits": bits})
    joined = pairs.merge(table, left_on="one", right_on="hash").merge(table, left_on="two", right_on="hash")
    return joined[["row_x", "row_y"]].to_numpy(np.int64), joined["bits"].to_numpy(np.uint8)


def groups_of(count: int, pairs: pd.DataFrame) -> np.ndarray:
    """The group of each row: rows joined by any chain of pairs share one.

    Returns (count,) int64, numbered from 0 in the order of their first rows.

    >>> groups_of(4, pd.DataFrame({"first": [1], "second": [3]}))
    array([0, 1, 2, 1])
    """
    links = coo_array((np.ones(len(pairs)), (pairs["first"], pairs["second"])), shape=(count, count))
    component = connected_components(links, directed=False)[1] if count else np.empty(0)
    return pd.factorize(component)[0].astype(np.int64)


def closest(pairs: pd.DataFrame, groups: np.ndarray) -> pd.DataFrame:
    """For each row of a group but its first the closest other: row, other, distance, by row."""
    both = pd.concat([pairs, pairs.rename(columns={"first": "second", "second": "first"})])
    nearest = both.sort_values(["second", "distance", "first"]).drop_duplicates("second")
    nearest = nearest.rename(columns={"second": "row", "first": "other"})[["row", "other", "distance"]]
    first_rows = pd.Series(groups).drop_duplicates().index
    return nearest[~nearest["row"].isin(first_rows)].reset_index(drop=True)


# --- All pairs of 64-bit hashes within a few bits, without comparing all with all
#
# Multi-index hashing (Norouzi, Punjani and Fleet, "Fast Search in Hamming Space with Multi-Index Hashing",
# CVPR 2012, section 3): the 64 bits are cut into m bands; two hashes within d bits agree in some band up to d
# // m bits. Bands are about log2(n) bits wide, so that a bucket holds a few hashes; their bits are spread
# over the picture, because whole regions are alike in many pictures (white paper).


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


# --- A perceptual hash: 64 bits that stay when a picture is scaled, recompressed or slightly retouched
#
# The difference hash (Krawetz, "Kind of Like That", hackerfactor.com, 2013): a bit for each pixel of the grey
# picture, 9 x 8, that is brighter than its left neighbour; here by more than 2 of 255 levels, so that white
# paper is no coin toss. Chosen by measuring on 2,200 drawings and 730 planted copies of each kind, within 6
# bits:
#
#     found of        recompressed  scaled  darkened  cropped 4 %  a grey mark added
#     this hash             100 %   99.9 %    99.9 %         86 %              100 %
#     DCT hash (pHash)     92.5 %   93.7 %    93.4 %         53 %               43 %
#
# The DCT hash compares coefficients with their median, and in symmetric drawings most of them are zero.


def perceptual_hash(image: Image.Image) -> int:
    """The hash of an RGB image as an int of 64 bits; 0 for a picture of one colour.

    >>> ramp = Image.linear_gradient("L").convert("RGB").rotate(90)
    >>> f"{perceptual_hash(ramp):x}", f"{perceptual_hash(ramp.resize((90, 60))):x}"
    ('ffffffffffffffff', 'ffffffffffffffff')
    >>> perceptual_hash(Image.new("RGB", (9, 9), "red"))
    0
    """
    cells = image.convert("L").resize((9, 8), Image.Resampling.BOX).tobytes()
    # So few numbers are compared faster without arrays.
    return int("".join(["01"[cells[place] > cells[place - 1] + DEAD_ZONE] for place in _WITH_LEFT]), 2)


def hex_digits(hashes: list[int]) -> list[str]:
    """The 16 hex digits of each hash, as tables hold them."""
    return [f"{phash:016x}" for phash in hashes]


def from_hex(digits: list[str]) -> np.ndarray:
    """The inverse of `hex_digits`: (n,) uint64.

    >>> from_hex(hex_digits([3, 2**64 - 1])).tolist()
    [3, 18446744073709551615]
    """
    return np.array([int(text, 16) for text in digits], dtype=np.uint64)


# --- Whether two small pictures agree, pixel by pixel: the second look at candidates for near duplicates
#
# Drawings on white share hashes without being alike, so a pair of equal hashes is only a candidate. Measured
# on 2,200 drawings: of the pairs within 6 bits about two thirds fail here, and what passes at 0.97 are copies
# and variants of one drawing; recompressed and scaled copies pass in 99.9 %, darkened ones in 85 %.


def thumbnails(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Averages over SIDE x SIDE cells: (n, S, S, 3) uint8 -> (len(rows), SIDE * SIDE * 3) uint8."""
    average = _averages(images.shape[1])
    small = np.empty((len(rows), SIDE * SIDE * 3), dtype=np.uint8)
    for start in range(0, len(rows), 1024):
        pixels = images[rows[start : start + 1024]].astype(np.float32)
        cells = np.einsum("ay,nyxc,bx->nabc", average, pixels, average, optimize=True)
        small[start : start + 1024] = np.round(cells).reshape(len(pixels), -1)
    return small


def _averages(size: int) -> np.ndarray:
    """Weights (SIDE, size): each row averages its share of `size` pixels, cut ones in parts."""
    edges = np.linspace(0, size, SIDE + 1)
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return (np.clip(overlap, 0, None) * SIDE / size).astype(np.float32)


def alike(small: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Which pairs of thumbnails show the same: (m, 2) rows of `small` -> (m,) bool.

    Correlation over all pixels and channels is at least LIKE, contrast below NOISE counting as none, and mean
    brightness differs by at most BRIGHTNESS.

    >>> blank, ramp = np.full((1, 768), 250, np.uint8), np.arange(768, dtype=np.uint8)[None] // 4
    >>> alike(np.concatenate([blank, blank - 1, ramp, ramp // 2 + 30]), np.array([[0, 1], [0, 2], [2, 3]]))
    array([ True, False,  True])
    """
    verdict = np.zeros(len(pairs), dtype=bool)
    for start in range(0, len(pairs), AT_A_TIME):
        one, two = (small[pairs[start : start + AT_A_TIME, side]].astype(np.float32) for side in (0, 1))
        mean_one, mean_two = one.mean(axis=1, keepdims=True), two.mean(axis=1, keepdims=True)
        one, two = one - mean_one, two - mean_two
        noise = small.shape[1] * NOISE**2
        product = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
        correlation = ((one * two).sum(axis=1) + noise) / (product + noise)
        near = np.abs(mean_one - mean_two)[:, 0] <= BRIGHTNESS
        verdict[start : start + AT_A_TIME] = near & (correlation >= LIKE)
    return verdict
