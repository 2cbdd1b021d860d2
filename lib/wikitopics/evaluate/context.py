"""What is known of the images besides their scores: pixels, categories, labels by source, reasons."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from wikitopics.artefacts import RECORD, as_written, finished_run, read_array, read_json, read_table
from wikitopics.evaluate.predictions import lineage, parents
from wikitopics.images.decode import Recipe
from wikitopics.images.reasons import Rejected
from wikitopics.images.sandbox import decode_alone
from wikitopics.images.squares import Squares, read_squares
from wikitopics.labels.depicts import item_in_words
from wikitopics.sources import Source, file_page, open_source
from wikitopics.vectors.text_side import Asked, likeness, text_side
from wikitopics.vectors.vector_files import ROWS

LARGE = 1600  # pixels of a picture from its original file, at most
MOST_BYTES = 50_000_000  # of such a file


@dataclass(frozen=True)
class Context:
    """An image set with all that the browser shows beside a prediction.

    images: (m, S, S, 3) uint8 by `row`, see images.squares; table: images.parquet; details: indexed by
    title, `categories`, one column `labels: RUN` for each 01_labels run of the image set, `items` (like
    "house cat (Q146)") where it is known what the files depict, and `address` (the file's page) where they
    are of Commons; why: as why.parquet; features: (m, d) float32, memory-mapped,
    indexed by `row`, or None where there are none; parents: the label above each label; original: a title's
    picture from its own file, None without one; by_words: how like each picture is, by `row`, to what words
    mean, None where the network has no text side.
    """

    images: Squares
    table: pd.DataFrame
    details: pd.DataFrame
    why: pd.DataFrame | None
    features: np.ndarray | None
    parents: dict[str, str | None] = field(default_factory=dict)
    original: Callable[[str], np.ndarray | None] = lambda title: None
    by_words: Callable[[str], Asked] | None = None

    @property
    def beside(self) -> dict[str, Any]:
        """What the browser takes by name: details, why, features, catalogue (who any neighbour is), parents,
        original and by_words."""
        return {
            "details": self.details,
            "why": self.why,
            "features": self.features,
            "catalogue": self.table,
            "parents": self.parents,
            "original": self.original,
            "by_words": self.by_words,
        }

    def rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """images.parquet's rows of these predictions (by `row`), in their order."""
        return self.table.set_index("row").loc[frame["row"]].reset_index()


def read_context(run: str) -> Context:
    """Everything the browser shows beside a prediction of this 03_train run, for all images of its set."""
    made_from = lineage(run)
    images = finished_run("02_images", made_from["images"])
    table = read_table(images / "images.parquet")
    titles = table["title"]
    others = read_json(images / "run.json")["parameters"]["labels"]
    details = pd.DataFrame({"categories": _lists(made_from["labels"], "files.parquet", "categories", titles)})
    for name in dict.fromkeys([made_from["labels"], *others]):
        details[f"labels: {name}"] = _lists(name, "labels.parquet", "labels", titles)
    if (items := _items([made_from["labels"], *others], titles)) is not None:
        details["items"] = items
    if page := file_page(_source_of(made_from["labels"])["source"]):
        details["address"] = [page + quote(title) for title in details.index]
    pixels = read_squares(images)
    features = _features(images / "features", run, made_from["backbone"], len(pixels))
    why, original = _why(made_from["labels"], titles), originals(made_from["labels"], table)
    words = _by_words(images / "features", run, made_from)
    return Context(pixels, table, details, why, features, parents(run), original, words)


def originals(labels_run: str, table: pd.DataFrame) -> Callable[[str], np.ndarray | None]:
    """A function from a title to its picture, (s, s, 3) uint8 with s <= LARGE, from the file of its source.

    table: images.parquet. None comes back where the source has no such file or the file cannot be read; the
    source is opened when it is first asked.
    """
    known = table.drop_duplicates("title").set_index("title")[["path", "width", "height"]]

    @cache
    def source() -> Source:
        described = _source_of(labels_run)
        return open_source(described["source"], **described["options"])

    def original(title: str) -> np.ndarray | None:
        if title not in known.index:
            return None
        path, width, height = known.loc[title]
        recipe = Recipe(store_size=int(min(LARGE, max(width, height))), svg=True)
        try:
            return decode_alone(source().read(path, MOST_BYTES), recipe).pixels
        except (OSError, Rejected):
            return None

    return original


def _source_of(labels_run: str) -> dict[str, Any]:
    return read_json(finished_run("01_labels", labels_run) / "source.json")


def _lists(run: str, table: str, column: str, titles: pd.Series) -> pd.Series:
    """A column of lists by title; a title that this label run does not know has an empty list."""
    values = read_table(finished_run("01_labels", run) / table, ["title", column]).set_index("title")[column]
    return values.reindex(titles).map(lambda value: list(value) if isinstance(value, np.ndarray) else [])


def _items(runs: list[str], titles: pd.Series) -> pd.Series | None:
    """What each title depicts, named where one of the label runs knows names; None where nothing is known."""
    folders = [finished_run("01_labels", run) for run in dict.fromkeys(runs)]
    with as_written(folders[0] / "files.parquet"):
        if "items" not in pq.read_schema(folders[0] / "files.parquet").names:
            return None
    tables = [read_table(path) for folder in folders if (path := folder / "items.parquet").exists()]
    named = {item: name for table in tables for item, name in zip(table["item"], table["name"], strict=True)}
    lists = _lists(runs[0], "files.parquet", "items", titles)
    return lists.map(lambda items: [item_in_words(item, named.get(item, "")) for item in items])


def _why(run: str, titles: pd.Series) -> pd.DataFrame | None:
    path = finished_run("01_labels", run) / "why.parquet"
    if not path.exists():
        return None
    table = read_table(path)
    return table[table["title"].isin(titles)].reset_index(drop=True)


def _by_words(folder: Path, run: str, made_from: dict[str, Any]) -> Callable[[str], Asked] | None:
    """What Context.by_words is: the run's own features beside what its network makes of texts."""
    side = text_side(made_from.get("texts", ""), made_from["backbone"])
    own = read_json(finished_run("03_train", run) / RECORD).get("features_file")
    if side is None or not own or not (folder / own).exists():
        return None
    features = read_array(folder / own)

    def parts() -> Iterator[np.ndarray]:
        return (features[start : start + ROWS] for start in range(0, len(features), ROWS))

    return lru_cache(64)(lambda words: likeness(side, words, parts()))


def _features(folder: Path, run: str, backbone: str, rows: int) -> np.ndarray | None:
    """The features that the run learned from; where it kept none those of its backbone, or of another one."""
    own = read_json(finished_run("03_train", run) / RECORD).get("features_file")
    if own and (folder / own).exists():
        return read_array(folder / own)
    paths = sorted(folder.glob("*.npy"), key=lambda path: (backbone not in path.name, path.name))
    arrays = (read_array(path) for path in paths)
    return next((array for array in arrays if array.ndim == 2 and len(array) == rows), None)
