"""Train, validation and test: every label in its share everywhere, and no group of duplicates on two sides.

Iterative stratification (Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-label Data", ECML
PKDD 2011, algorithm 1): the label with the fewest images left is dealt out first, each image to the part that
lacks that label most. Here what is dealt are whole groups, large ones first, and a label's last groups go to
the parts that have none of it.
"""

import numpy as np
import pandas as pd

from wikitopics.errors import UserError

SPLITS = ("train", "validation", "test")


def stratified_split(
    label_matrix: np.ndarray, groups: np.ndarray, shares: tuple[float, float, float], seed: int
) -> np.ndarray:
    """The part of each image: (n,) of "train", "validation", "test".

    `label_matrix`: (n, L) {0, 1}, the labels of all label sources side by side, so that one split serves all;
    `groups`: (n,) int, images of one number stay together; `shares`: of images, as SPLITS is ordered, sum 1.

    >>> part = stratified_split(np.eye(2)[[0] * 10 + [1] * 10], np.arange(20), (0.5, 0.2, 0.3), seed=0)
    >>> [int((part[:10] == name).sum()) for name in SPLITS]
    [5, 2, 3]
    """
    numbers, member = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    counts = _counts_per_group(np.asarray(label_matrix), member, len(numbers))
    # Large groups first, chance among equals: small ones even out afterwards.
    order = np.lexsort((rng.random(len(numbers)), -counts[:, -1]))
    part = np.full(len(numbers), -1)
    part[order] = _deal(counts[order], np.array(shares, dtype=float), rng)
    return np.array(SPLITS)[part[member]]


def check_parts(split: np.ndarray, groups: np.ndarray) -> None:
    """Raises UserError where a part of the split has no image: all groups went to the others.

    >>> check_parts(np.array(SPLITS), np.arange(3))
    """
    empty = [name for name in SPLITS if name not in split]
    if empty:
        raise UserError(
            f"each part of the split must have images, but {' and '.join(empty)} would have none: "
            f"{len(groups):,} images make {len(np.unique(groups)):,} groups of copies and near copies, of "
            "which none may be on two sides; bring more pictures, or raise near_duplicate_likeness"
        )


def split_of(
    given: pd.Series | None,
    label_matrix: np.ndarray,
    groups: np.ndarray,
    shares: tuple[float, float, float],
    seed: int,
) -> tuple[np.ndarray, dict[str, int]]:
    """The part of each image as `given`, (n,), else as `stratified_split` deals; and notes, what -> count.

    A group that `given` would tear apart goes to the first of its parts as SPLITS is ordered: what is like a
    training image tests nothing. A part without any image is dealt out of train, at its share of the two.

    >>> part, notes = split_of(pd.Series(["train"] * 8 + ["test"] * 2), np.ones((10, 1)), np.arange(10),
    ...                        (0.6, 0.2, 0.2), seed=0)
    >>> [int((part == name).sum()) for name in SPLITS], notes
    ([6, 2, 2], {'images of the given split': 10, 'images dealt to validation, which it lacks': 2})
    """
    if given is None:
        return stratified_split(label_matrix, groups, shares, seed), {}
    number = given.map({name: place for place, name in enumerate(SPLITS)}).to_numpy()
    together = pd.Series(number).groupby(np.asarray(groups)).transform("min").to_numpy()
    part = np.array(SPLITS)[together]
    notes = {
        "images of the given split": len(part),
        "images moved to their group": int((together != number).sum()),
    }
    for place in (1, 2):
        if shares[place] and not (part == SPLITS[place]).any():
            rest = np.flatnonzero(part == "train")
            share = shares[place] / (shares[0] + shares[place])
            some = (1 - share, share, 0.0) if place == 1 else (1 - share, 0.0, share)
            part[rest] = stratified_split(
                np.asarray(label_matrix)[rest], np.asarray(groups)[rest], some, seed
            )
            what = f"images dealt to {SPLITS[place]}, which it lacks"
            notes[what] = int((part == SPLITS[place]).sum())
    return part, {what: count for what, count in notes.items() if count}


def _counts_per_group(label_matrix: np.ndarray, member: np.ndarray, number: int) -> np.ndarray:
    """Images of each group by label, and all of them in the last column: (groups, L + 1)."""
    order = np.argsort(member, kind="stable")
    starts = np.searchsorted(member[order], np.arange(number))
    rows = np.column_stack([label_matrix, np.ones(len(member), label_matrix.dtype)])[order]
    return np.add.reduceat(rows, starts, axis=0, dtype=np.int32) if number else rows.astype(np.int32)


def _deal(counts: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The part (0, 1, 2) of each group, dealt label by label, the rarest first, the unlabelled last."""
    part = np.full(len(counts), -1)
    left = counts.sum(axis=0, dtype=float)
    wanted = shares[:, None] * left  # (parts, L + 1): what each part still lacks
    has = np.zeros(wanted.shape, dtype=bool)
    while left[-1] > 0:
        rarest = np.where(left[:-1] > 0, left[:-1], np.inf)
        label = int(rarest.argmin()) if np.isfinite(rarest).any() else -1
        waiting = np.flatnonzero((part < 0) & (counts[:, label] > 0))
        without = (shares > 0) & ~has[:, label] & (label >= 0)
        amounts, needs = counts[waiting][:, [label, -1]], wanted[:, [label, -1]]
        part[waiting] = _deal_label(amounts, needs, shares > 0, without, rng.random(len(shares)))
        for to in range(len(shares)):
            dealt = counts[waiting[part[waiting] == to]]
            wanted[to] -= dealt.sum(axis=0)
            left -= dealt.sum(axis=0)
            has[to] |= (dealt > 0).any(axis=0)
    return part


def _deal_label(
    amounts: np.ndarray, wanted: np.ndarray, allowed: np.ndarray, without: np.ndarray, chance: np.ndarray
) -> list[int]:
    """The part of each group of a label: the one that lacks the label most; of equals, lacks images most.

    `amounts`: (groups, 2) images of the label and in all; `wanted`: (parts, 2) the same; parts in `without`
    hold no image of the label yet and get one of the last groups. Plain numbers, since this loop runs once
    per group.
    """
    need, room = wanted[:, 0].tolist(), wanted[:, 1].tolist()
    lacking, choices = set(np.flatnonzero(without).tolist()), np.flatnonzero(allowed).tolist()
    dealt: list[int] = []
    for waiting, (amount, size) in zip(range(len(amounts), 0, -1), amounts.tolist(), strict=True):
        among = lacking if waiting <= len(lacking) else choices
        to = max(among, key=lambda choice: (need[choice], room[choice], chance[choice]))
        need[to] -= amount
        room[to] -= size
        lacking.discard(to)
        dealt.append(to)
    return dealt
