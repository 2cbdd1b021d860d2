"""The training images that scored pictures are most like, and scored pictures that are like each other."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.alike.features import embed_files, load_embedder, read_features
from wikitopics.artefacts import finished_run
from wikitopics.evaluate.context import Context, read_context
from wikitopics.evaluate.neighbours import Index, nearest
from wikitopics.evaluate.predictions import label_names, lineage
from wikitopics.scoring.given import learned_from_features
from wikitopics.scoring.pictures import Reads
from wikitopics.scoring.results import readable

SAME = 0.99  # cosine of a training picture's kept features and those computed now, if both are of one network
LINES = 3  # labels of a training image that are told: the narrowest, which come last
Nearest = Callable[[int], list[tuple[int, float]]]
COLUMNS = ["query", "row", "title", "labels", "likeness"]


def learned_alike(
    pixels: Sequence[np.ndarray], model: str, count: int, vectors: np.ndarray | None = None
) -> tuple[pd.DataFrame, Context]:
    """The `count` training images of `model`, a 03_train run, most like each picture, the nearest first.

    pixels: (side, side, 3) uint8 each, as the model sees them, fewer than scoring.network.BATCH; vectors:
    their features (n, d), for a model that learned from given ones. COLUMNS:
    query (place in `pixels`), row (of the context's images), title, labels (those of the model, as it learned
    them), likeness (cosine of features). No rows where features of the training images are not kept.
    """
    context = read_context(model)
    learned = context.table[context.table["split"] == "train"].reset_index(drop=True)
    if context.features is None or not len(pixels) or learned.empty:
        return pd.DataFrame(columns=COLUMNS), context
    index = Index(np.asarray(context.features[learned["row"].to_numpy()]))
    if vectors is None:
        known = np.asarray(context.images[learned["row"].iloc[0]])
        first, *found = load_embedder(finished_run("03_train", model)).forward(np.stack([known, *pixels]))
        if not _same(first, index.features[0]):
            return pd.DataFrame(columns=COLUMNS), context
        vectors = np.stack(found)
    places, likeness = index.nearest(vectors, count)
    shown = learned.iloc[places.ravel()]
    given = context.details[f"labels: {lineage(model)['labels']}"].loc[shown["title"]]
    names = label_names(model)
    table = pd.DataFrame(
        {
            "query": np.repeat(np.arange(len(places)), places.shape[1]),
            "row": shown["row"].to_numpy(),
            "title": shown["title"].to_numpy(),
            "labels": [[name for name in own if name in names] for own in given],
            "likeness": likeness.ravel(),
        }
    )
    return table, context


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    return bool(one @ other >= SAME * np.linalg.norm(one) * np.linalg.norm(other))


def rows_of(
    pixels: Sequence[np.ndarray], captions: Sequence[str], alike: pd.DataFrame, context: Context
) -> tuple:
    """Pictures and captions of a contact sheet: each picture, and after it those it is like, line by line."""
    shown, told = [], []
    for query, (picture, caption) in enumerate(zip(pixels, captions, strict=True)):
        near = alike[alike["query"] == query]
        shown += [picture, *(context.images[row] for row in near["row"])]
        told.append(caption)
        told += [
            f"{row.title}\n" + "\n".join([f"alike {row.likeness:.2f}", *row.labels[-LINES:]])
            for row in near.itertuples()
        ]
    return shown, told


def scored_alike(
    source: Reads, paths: Sequence[str], model: str, out: Path, jobs: int, count: int = 10
) -> Nearest:
    """A function of a place in `paths` that gives its `count` nearest others: (place, cosine), nearest first.

    The features of all of them are computed into `out` (alike.features.embed_files), which takes as long as
    scoring did, and kept there; given ones are there already. A picture that can no longer be read has no
    look-alikes and is none.
    """
    if not learned_from_features(finished_run("03_train", model)):
        embed_files(finished_run("03_train", model), list(paths), out, jobs=jobs, source=source)
    return _alike(out, paths, count)


def kept_alike(out: Path, paths: Sequence[str], count: int = 10) -> Nearest | None:
    """As `scored_alike`, from features that are kept already; None where there are none."""
    return _alike(out, paths, count) if out.exists() else None


def _alike(features_file: Path, paths: Sequence[str], count: int) -> Nearest:
    features = read_features(features_file, features_file.parent)
    places_of: dict[str, list[int]] = {}  # a file that is named twice has a row for each of its places
    for place, path in enumerate(paths):
        places_of.setdefault(readable(path), []).append(place)
    places = [places_of[path].pop(0) for path in features.paths]
    row_of, index = {place: row for row, place in enumerate(places)}, Index(features.vectors)

    def near(place: int) -> list[tuple[int, float]]:
        if place not in row_of:
            return []
        rows, likeness = nearest(index, np.array([row_of[place]]), count)
        return [(places[row], float(like)) for row, like in zip(rows[0], likeness[0], strict=True)]

    return near
