"""Near duplicates: found by their hash, believed only when the pictures agree too, joined to groups."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from wikitopics.images.hash_search import close_pairs
from wikitopics.images.similarity import alike, thumbnails

ROUNDS = 100  # of one hash: so many different pictures of equal hash are told apart, the rest stays apart


def near_duplicates(hashes: np.ndarray, images: np.ndarray, distance: int) -> pd.DataFrame:
    """Pairs of near duplicates.

    `hashes`: (n,) uint64; `images`: (n, S, S, 3) uint8; `distance`: bits of 64 by which hashes may differ.
    Returns first, second (rows, first < second), distance; each pair passed `similarity.alike` too. Of many
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
