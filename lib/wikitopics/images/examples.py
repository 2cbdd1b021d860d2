"""A few pictures to look at, with captions: the set at random, near duplicates side by side."""

import numpy as np
import pandas as pd

GAP = 8  # white pixels between the two of a pair


def of_the_set(images: pd.DataFrame, pixels: np.ndarray, count: int, seed: int) -> tuple[list, list[str]]:
    """`count` pictures at random and their captions: title, part of the split, original size in pixels."""
    chosen = images.sample(min(count, len(images)), random_state=seed).sort_values("row")
    size = chosen["width"].astype(str) + " x " + chosen["height"].astype(str)
    captions = chosen["title"] + "\n" + chosen["split"] + ", " + size
    return list(pixels[chosen["row"].to_numpy()]), captions.tolist()


def near_duplicates_of(
    images: pd.DataFrame, pixels: np.ndarray, duplicates: pd.DataFrame, count: int
) -> tuple[list, list[str]]:
    """Up to `count` pairs of near duplicates, each one picture, one pair a group, the most distant first."""
    places = images.set_index("title")[["row", "group"]]
    near = duplicates[duplicates["kind"] == "near"].sort_values("distance", ascending=False, kind="stable")
    near = (
        near.assign(group=places.loc[near["title"], "group"].to_numpy()).drop_duplicates("group").head(count)
    )
    rows = [places.loc[near[column], "row"].to_numpy() for column in ("duplicate_of", "title")]
    gap = np.full((pixels.shape[1], GAP, 3), 255, np.uint8)
    pairs = [np.concatenate([pixels[one], gap, pixels[two]], axis=1) for one, two in zip(*rows, strict=True)]
    captions = [
        f"{row.title}\nlike {row.duplicate_of}\n{row.distance} of 64 bits differ" for row in near.itertuples()
    ]
    return pairs, captions
