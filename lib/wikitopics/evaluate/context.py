"""What is known of the images besides their scores: pixels, categories, labels by source, reasons."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.artefacts import finished_run, read_array, read_json, read_table
from wikitopics.evaluate.predictions import lineage


@dataclass(frozen=True)
class Context:
    """An image set with all that the browser shows beside a prediction.

    images: (m, S, S, 3) uint8, memory-mapped, indexed by `row`; table: images.parquet; details: indexed by
    title, `categories` and one column `labels: RUN` for each 01_labels run of the image set; why: as
    why.parquet; features: (m, d) float32, memory-mapped, indexed by `row`, or None where there are none.
    """

    images: np.ndarray
    table: pd.DataFrame
    details: pd.DataFrame
    why: pd.DataFrame | None
    features: np.ndarray | None

    @property
    def beside(self) -> dict[str, Any]:
        """What the browser takes by name: details, why, features, catalogue (who any neighbour is)."""
        return {
            "details": self.details,
            "why": self.why,
            "features": self.features,
            "catalogue": self.table,
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
    pixels = read_array(images / "images.npy")
    features = _features(images / "features", made_from["backbone"], len(pixels))
    return Context(pixels, table, details, _why(made_from["labels"], titles), features)


def _lists(run: str, table: str, column: str, titles: pd.Series) -> pd.Series:
    """A column of lists by title; a title that this label run does not know has an empty list."""
    values = read_table(finished_run("01_labels", run) / table, ["title", column]).set_index("title")[column]
    return values.reindex(titles).map(lambda value: list(value) if isinstance(value, np.ndarray) else [])


def _why(run: str, titles: pd.Series) -> pd.DataFrame | None:
    path = finished_run("01_labels", run) / "why.parquet"
    if not path.exists():
        return None
    table = read_table(path)
    return table[table["title"].isin(titles)].reset_index(drop=True)


def _features(folder: Path, backbone: str, rows: int) -> np.ndarray | None:
    """The backbone's cached features of the image set, those of another one where it has none."""
    paths = sorted(folder.glob("*.npy"), key=lambda path: (backbone not in path.name, path.name))
    arrays = (read_array(path) for path in paths)
    return next((array for array in arrays if array.ndim == 2 and len(array) == rows), None)
