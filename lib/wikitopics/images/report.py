"""Tables and pictures of an image set: what was left out on the way, the split, that nothing leaks."""

import numpy as np
import pandas as pd

from wikitopics.images.duplicates import closest
from wikitopics.images.reasons import REASONS
from wikitopics.images.split import SPLITS

DUPLICATE_COLUMNS = ["title", "duplicate_of", "kind", "likeness", "how"]

GAP = 8  # white pixels between the two of a pair


def duplicates_table(images: pd.DataFrame, exact: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The duplicates: title, duplicate_of, kind ("exact" or "near"), likeness (1: equal),
    how (of duplicates.WAYS).

    exact: as image_set.Decoded has them; of `pairs` (near duplicates) each image of a group but the first is
    named once, with the one closest to it.
    """
    near = closest(pairs, images["group"].to_numpy())
    titles = images["title"].to_numpy()
    near = pd.DataFrame(
        {"title": titles[near["row"]], "duplicate_of": titles[near["other"]], "kind": "near"}
        | {"likeness": near["likeness"], "how": near["how"]}
    )
    table = pd.concat([exact[DUPLICATE_COLUMNS], near], ignore_index=True)
    return table.astype({"likeness": np.float32})


def funnel_after(funnel: list[dict], files: int, rejected: int, exact: int) -> list[dict]:
    """The funnel from files to the image set: the steps so far, then what could be decoded, then once each.

    >>> funnel_after([{"step": "labelled", "files": 10}], 10, 2, 1)[1:]
    [{'step': 'decoded in full', 'files': 8}, {'step': 'each picture once', 'files': 7}]
    """
    return [
        *funnel,
        {"step": "decoded in full", "files": files - rejected},
        {"step": "each picture once", "files": files - rejected - exact},
    ]


def in_words(
    funnel: list[dict], rejected: pd.DataFrame, duplicates: pd.DataFrame, images: pd.DataFrame, facts: dict
) -> list[str]:
    """What this run found, in sentences with its numbers: losses, copies, the split, what may be missed.

    funnel: as `funnel_after` gives it; facts: "labels_of_copies" (labels that kept pictures lacked),
    "crowded" (attrs of duplicates.near_duplicates), and those of `leaks`.
    """
    files, kept = funnel[0]["files"], len(images)
    why = ", ".join(f"{reason} {count:,}" for reason, count in rejected["reason"].value_counts().items())
    near = duplicates[duplicates["kind"] == "near"]
    exact, groups = int((duplicates["kind"] == "exact").sum()), images["group"].value_counts()
    how = ", ".join(f"{name} {count:,}" for name, count in near["how"].value_counts().items())
    parts = ", ".join(f"{(images['split'] == name).sum():,} are for {name}" for name in SPLITS)
    leaking = sum(count for name, count in facts.items() if name.endswith("on two sides"))
    return [
        f"Of {files:,} files {kept:,} became pictures of the set ({kept / files:.0%}).",
        f"{len(rejected):,} labelled files could not be used" + (f": {why}." if why else "."),
        f"{exact:,} exact copies were left out; they brought {facts['labels_of_copies']:,} labels that the "
        "picture kept for them lacked, and it has these now.",
        f"{len(near):,} pictures are near copies of another one" + (f" ({how})" if how else "") + "; "
        f"{(groups > 1).sum():,} groups hold more than one picture, the largest {groups.max():,}.",
        f"Of the pictures {parts}; {leaking:,} groups or equal pictures are on two sides.",
        f"{facts['crowded']:,} pictures were compared only with some of those of their own rough shape.",
    ]


def reasons_table(rejected: pd.DataFrame) -> pd.DataFrame:
    """One row per reason, the most frequent first: reason, files, meaning."""
    counts = rejected["reason"].value_counts()
    table = pd.DataFrame({"reason": counts.index, "files": counts.to_numpy()})
    return table.assign(meaning=table["reason"].map(REASONS))


def split_table(label_matrix: np.ndarray, label_names: list[str], split: pd.Series) -> pd.DataFrame:
    """One row per label: label, images, train, validation, test (images), and train_share ... (of the label).

    >>> table = split_table(np.array([[1], [1], [0]]), ["Cats"], pd.Series(["train", "test", "test"]))
    >>> table[["label", "images", "train", "test", "test_share"]].values.tolist()
    [['Cats', 2, 1, 1, 0.5]]
    """
    counts = {name: label_matrix[(split == name).to_numpy()].sum(axis=0, dtype=int) for name in SPLITS}
    images = sum(counts.values())
    shares = {f"{name}_share": count / np.maximum(images, 1) for name, count in counts.items()}
    return pd.DataFrame({"label": label_names, "images": images, **counts, **shares})


def leaks(images: pd.DataFrame) -> dict[str, int]:
    """What would be on two sides of the split: groups of duplicates, and equal pixels counted afresh.

    >>> leaks(pd.DataFrame({"group": [0, 0], "sha1": ["a", "b"], "split": ["train", "test"]}))
    {'groups on two sides': 1, 'pictures on two sides': 0}
    """
    sides = {name: images.groupby(column)["split"].nunique() for name, column in _KEYS.items()}
    return {f"{name} on two sides": int((count > 1).sum()) for name, count in sides.items()}


_KEYS = {"groups": "group", "pictures": "sha1"}


def examples_of_the_set(
    images: pd.DataFrame, pixels: np.ndarray, count: int, seed: int
) -> tuple[list, list[str]]:
    """`count` pictures at random and their captions: title, part of the split, original size in pixels."""
    chosen = images.sample(min(count, len(images)), random_state=seed).sort_values("row")
    size = chosen["width"].astype(str) + " x " + chosen["height"].astype(str)
    captions = chosen["title"] + "\n" + chosen["split"] + ", " + size
    return list(pixels[chosen["row"].to_numpy()]), captions.tolist()


def examples_of_near_duplicates(
    images: pd.DataFrame, pixels: np.ndarray, duplicates: pd.DataFrame, count: int
) -> tuple[list, list[str]]:
    """Up to `count` pairs of near duplicates, each one picture, one pair a group, the least alike first."""
    places = images.set_index("title")[["row", "group"]]
    near = duplicates[duplicates["kind"] == "near"].sort_values("likeness", kind="stable")
    near = (
        near.assign(group=places.loc[near["title"], "group"].to_numpy()).drop_duplicates("group").head(count)
    )
    rows = [places.loc[near[column], "row"].to_numpy() for column in ("duplicate_of", "title")]
    gap = np.full((pixels.shape[1], GAP, 3), 255, np.uint8)
    pairs = [np.concatenate([pixels[one], gap, pixels[two]], axis=1) for one, two in zip(*rows, strict=True)]
    captions = [
        f"{row.title}\nlike {row.duplicate_of}\n{row.how}, alike {row.likeness:.2f}"
        for row in near.itertuples()
    ]
    return pairs, captions
