"""What a map of judged images needs: places, titles, and what each image may be coloured by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wikitopics.alike.kinds import NONE, OTHER, RIGHT, mistake_kinds, rarest_labels
from wikitopics.alike.plane import neighbours_kept, placed

MOST = 400  # images on the map of an executed notebook: about 50 kB


@dataclass(frozen=True)
class Mapped:
    """Images on a map.

    titles (n); places (n, 2) int16, see plane.placed; colourings: name -> n kinds; soft: the kinds that
    nobody looks for; told: a sentence about what is on the map.
    """

    titles: list[str]
    places: np.ndarray
    colourings: dict[str, list[str]]
    told: str
    soft: tuple[str, ...] = (RIGHT, OTHER, NONE)


def mapped(
    frame: pd.DataFrame,
    truth: np.ndarray,
    predicted: np.ndarray,
    label_names: Sequence[str],
    features: np.ndarray | None,
    seed: int = 0,
    most: int = MOST,
) -> Mapped:
    """A map of at most `most` of the images in `frame` (title, row), by mistake and by label.

    truth, predicted: (n, L) {0, 1}; features: (m, d), indexed by `row`, or None: then the map is empty.
    """
    if features is None:
        return Mapped([], np.empty((0, 2), np.int16), {"mistake": [], "label": []}, "there are no features")
    vectors = np.asarray(features[frame["row"].to_numpy()], np.float32)
    rows, places = placed(vectors, seed, most)
    colourings = {
        "mistake": mistake_kinds(truth[rows], predicted[rows]),
        "label": rarest_labels(truth[rows], label_names),
    }
    drawn = "" if len(rows) == len(frame) else f", drawn by chance from {len(frame):,}"
    told = (
        f"{len(rows):,} images{drawn}; of the ten nearest of each by features, "
        f"{neighbours_kept(vectors[rows], places):.0%} are among the ten nearest on the map"
    )
    return Mapped(frame["title"].iloc[rows].tolist(), places, colourings, told)
