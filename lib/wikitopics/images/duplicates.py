"""Near duplicates: candidates from a hash of their rough shapes, believed when the pictures agree; groups."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from wikitopics.images.likeness import (
    ABOVE,
    FLAT,
    INNER,
    LIKE,
    PAIRS_AT_A_TIME,
    SHAPE,
    SIDE,
    WHOLE,
    Views,
    inside_square,
    is_flat,
    likeness,
    look,
    same_colour,
)

# How a picture is looked for among the others: name, which of its views, which of theirs, whether mirrored.
WAYS = (
    ("whole", WHOLE, WHOLE, False),
    ("mirrored", WHOLE, WHOLE, True),
    ("cut", INNER, WHOLE, False),
    ("captioned", ABOVE, ABOVE, False),
    ("captioned", ABOVE, WHOLE, False),
)


def near_duplicates(
    pixels: np.ndarray, sizes: np.ndarray, fit: str = "pad", like: float = LIKE, seed: int = 0
) -> pd.DataFrame:
    """Pairs of near duplicates: pictures that agree when bordered, captioned, cut, mirrored, paler or grey.

    `pixels`: (n, S, S, 3) uint8; `sizes`: (n, 2) width, height of the originals, which `fit` (see
    decode.Recipe) has put into the square; `like`: least likeness.likeness. `seed` draws the hash.

    Returns first, second (rows, first < second), likeness (float32), how (of WAYS), by rows. attrs
    ["crowded"]: how many pictures have so many of their own rough shape that only some were compared with
    them. Time and memory grow with n.
    """
    return pairs_of_views(look(pixels, inside_square(sizes, pixels.shape[1], fit), sizes), like, seed)


def pairs_of_views(seen: Views, like: float = LIKE, seed: int = 0) -> pd.DataFrame:
    """As `near_duplicates`, from what `likeness.look` saw."""
    shapes = rough_shapes(seen)
    found = [pd.DataFrame({"first": [], "second": [], "likeness": [], "how": []})]
    crowded = np.ones(len(shapes), dtype=bool)
    for way in WAYS:
        with threadpool_limits(1):  # shared, the products are too small: a third of the time was waiting
            pairs, full = _candidates(shapes, seen, way, np.random.default_rng(seed))
            agree = _agreement(seen, pairs, way)
        crowded &= full
        ends = np.sort(pairs[agree >= like], axis=1)
        frame = pd.DataFrame(ends, columns=["first", "second"])
        found.append(frame.assign(likeness=agree[agree >= like], how=way[0]))
    pairs = pd.concat(found).astype({"first": np.int64, "second": np.int64, "likeness": np.float32})
    pairs = pairs.sort_values(["first", "second", "likeness"], ascending=[True, True, False], kind="stable")
    pairs = pairs.drop_duplicates(["first", "second"], ignore_index=True)
    pairs.attrs["crowded"] = int(crowded.sum())
    return pairs


def _agreement(seen: Views, pairs: np.ndarray, way: tuple) -> np.ndarray:
    """The likeness of each pair looked at in one of WAYS, 0 where colours or proportions differ: (m,)."""
    _, own, other, mirrored = way
    agree = np.zeros(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), PAIRS_AT_A_TIME):
        one, two = pairs[start : start + PAIRS_AT_A_TIME].T
        turn = slice(None, None, -1 if mirrored else 1)
        grey, theirs = seen.grey[one, own][..., turn], seen.grey[two, other]
        flat = is_flat(grey) & is_flat(theirs)
        same = likeness(grey, theirs)
        same *= same_colour(seen.colour[one, own][..., turn], seen.colour[two, other], flat)
        same *= np.abs(seen.shape[one, own] - seen.shape[two, other]) <= SHAPE
        agree[start : start + PAIRS_AT_A_TIME] = same
    return agree


def agreement(seen: Views, pairs: np.ndarray) -> np.ndarray:
    """The highest likeness of each pair (m, 2) of rows, in any of WAYS and in either order: (m,)."""
    both = [_agreement(seen, ends, way) for way in WAYS for ends in (pairs, pairs[:, ::-1])]
    return np.max(both, axis=0)


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
    """For each row of a group but its first the one most like it: row, other, likeness, how, by row."""
    both = pd.concat([pairs, pairs.rename(columns={"first": "second", "second": "first"})])
    nearest = both.sort_values(["second", "likeness", "first"], ascending=[True, False, True])
    nearest = nearest.drop_duplicates("second").rename(columns={"second": "row", "first": "other"})
    first_rows = pd.Series(groups).drop_duplicates().index
    kept = nearest.loc[~nearest["row"].isin(first_rows), ["row", "other", "likeness", "how"]]
    return kept.reset_index(drop=True)


# --- Candidates, without comparing all with all
#
# A rough shape is hashed by the sides of random planes on which it lies (Charikar, "Similarity Estimation
# Techniques from Rounding Algorithms", STOC 2002), with about as many bits as make a bucket a picture. A
# copy lies on the other side of few planes, of those that its original is next to: such buckets are looked
# into as well (Lv, Josephson, Wang, Charikar and Li, "Multi-Probe LSH", VLDB 2007, section 4). In a bucket
# pictures are in the order of one more projection; of a full one only the neighbours there are compared.

TABLES = 4  # hashes, each with planes of its own
FEWEST_BITS, MORE_BITS = 8, 2  # the latter than a bucket a picture would take
NEIGHBOURS = 3  # in a bucket, to either side
PROBES = ((), (0,), (1,), (2,), (0, 1), (3,), (0, 2), (4,), (1, 2), (5,))  # flipped: places by nearness
FREQUENCIES = 7  # of cosine waves across and down together
ROUGHLY = 0.4  # most squared distance of rough shapes: a cosine of 0.8
AT_A_TIME = 1 << 14


def rough_shapes(seen: Views) -> np.ndarray:
    """The slow waves of each view, of length 1 unless it is nearly flat: (n, 3, 35) float32."""
    shapes = np.empty((*seen.grey.shape[:2], len(_waves())), np.float32)
    for start in range(0, len(shapes), AT_A_TIME):
        some = slice(start, start + AT_A_TIME)
        waves = dctn(seen.grey[some].astype(np.float32), axes=(2, 3), norm="ortho")
        shapes[some] = waves[..., _waves()[:, 0], _waves()[:, 1]]
    shapes *= np.sqrt(_waves().sum(axis=1))  # slow waves are stronger in nearly all pictures
    return shapes / np.maximum(np.linalg.norm(shapes, axis=2, keepdims=True), FLAT * SIDE)


def _waves() -> np.ndarray:
    """How often each wave turns down and across the picture: (35, 2)."""
    down, across = np.indices((FREQUENCIES + 1, FREQUENCIES + 1)).reshape(2, -1)
    return np.stack([down, across], axis=1)[(down + across > 0) & (down + across <= FREQUENCIES)]


def _candidates(
    shapes: np.ndarray, seen: Views, way: tuple, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (m, 2) of a row and another that one of WAYS finds near it; (n,) whose buckets were full."""
    _, own, other, mirrored = way
    theirs = shapes[:, other]
    mine = shapes[:, own] if own != other else theirs
    if mirrored:
        mine = mine * np.where(_waves()[:, 1] % 2 == 1, -1, 1).astype(np.float32)
    middle = theirs.mean(axis=0)
    brightness, colour = seen.grey[:, own].mean(axis=(1, 2)), seen.colour[:, own].mean(axis=(2, 3))
    bits = max(FEWEST_BITS, len(shapes).bit_length() + MORE_BITS)
    found, full = [np.empty(0, np.int64)], np.ones(len(shapes), dtype=bool)
    for _ in range(TABLES):
        planes = rng.normal(size=(shapes.shape[2], bits + 1)).astype(np.float32)
        order = np.column_stack([brightness, colour]) @ rng.normal(size=3) / 2000
        table = _Table(theirs, middle, planes, order)
        full &= table.full()
        asked = table.rows if mine is theirs else _by_bucket(mine, middle, planes, order)[0]
        for rows in _in_parts(asked):
            known = mine[rows]
            for one, at in table.near(*_hashed(known, middle, planes, order[rows])):
                apart = known[one] - table.shapes[at]
                one, two = rows[one], table.rows[at]
                close = (np.einsum("ij,ij->i", apart, apart) <= ROUGHLY) & (one != two)
                close &= np.abs(seen.shape[one, own] - seen.shape[two, other]) <= SHAPE
                found.append(one[close] * len(shapes) + two[close])
        del table  # before the next one: it holds a copy of all shapes
    return np.stack(np.divmod(np.unique(np.concatenate(found)), max(1, len(shapes))), axis=1), full


def _in_parts(rows: np.ndarray) -> Iterator[np.ndarray]:
    return (rows[start : start + AT_A_TIME] for start in range(0, len(rows), AT_A_TIME))


def _by_bucket(
    shapes: np.ndarray, middle, planes: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows in the order of their bucket, and within it of their place; and these as numbers, (n,) each.

    Who goes through them in this order finds what is asked next beside what was asked last, in the cache.
    """
    keys = np.empty(len(shapes), np.int64)
    for rows in _in_parts(np.arange(len(shapes))):
        sides, places = _hashed(shapes[rows], middle, planes, order[rows])
        keys[rows] = (_packed(sides > 0) << 16) | places
    by_key = np.argsort(keys, kind="stable")
    return by_key, keys[by_key]


def _hashed(
    shapes: np.ndarray, middle, planes: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How far each shape lies from each plane (n, bits), and its place within a bucket (n,) in 16 bits."""
    sides = (shapes - middle) @ planes
    place = np.clip((sides[:, -1] + order + 4) * (1 << 13), 0, (1 << 16) - 1).astype(np.int64)
    return sides[:, :-1], place


class _Table:
    """Rows in the order of their bucket, and within it of their place; their shapes in the same order."""

    def __init__(self, shapes: np.ndarray, middle, planes: np.ndarray, order: np.ndarray) -> None:
        self.rows, self._keys = _by_bucket(shapes, middle, planes, order)
        self.shapes = shapes[self.rows]

    def full(self) -> np.ndarray:
        """Of each row, whether its bucket holds more than are compared: (n,) bool."""
        _, member, size = np.unique(self._keys >> 16, return_inverse=True, return_counts=True)
        full = np.empty(len(self.rows), dtype=bool)
        full[self.rows] = size[member] > 2 * NEIGHBOURS
        return full

    def near(self, sides: np.ndarray, places: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Pairs of one of those asked for, by number, and a place in the table in a bucket probed for it."""
        nearest = np.argsort(np.abs(sides), axis=1)[:, : 1 + max(map(max, filter(None, PROBES)))]
        buckets, numbers = _packed(sides > 0), np.arange(len(sides))
        for probe in PROBES:
            flipped = buckets.copy()
            for place in probe:
                flipped ^= np.int64(1) << nearest[:, place]
            start = np.searchsorted(self._keys, (flipped << 16) | places)
            for step in range(-NEIGHBOURS, NEIGHBOURS + 1):
                at = start + step
                there = (at >= 0) & (at < len(self._keys))
                there[there] = (self._keys[at[there]] >> 16) == flipped[there]
                yield numbers[there], at[there]


def _packed(bits: np.ndarray) -> np.ndarray:
    """Rows of bits as integers, the first bit lowest: (n,) int64."""
    return bits @ (np.int64(1) << np.arange(bits.shape[1]))
