"""What is known of the test images besides their scores: pixels, categories, labels by source, reasons."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.artefacts import finished_run, read_array, read_json, read_table


@dataclass(frozen=True)
class Context:
    """images: (m, S, S, 3) uint8, memory-mapped, indexed by `row`; details: indexed by title, `categories`
    and one column `labels: RUN` for each 01_labels run of the image set; why: why.parquet's columns."""

    images: np.ndarray
    details: pd.DataFrame
    why: pd.DataFrame | None


def lineage(run: str) -> dict[str, Any]:
    """Parameters of the 03_train run: among them `images` and `labels`, the runs it was made from."""
    return read_json(finished_run("03_train", run) / "run.json")["parameters"]


def read_context(run: str, titles: pd.Series) -> Context:
    """Everything the browser shows beside a prediction of this 03_train run, for these titles only."""
    made_from = lineage(run)
    images = finished_run("02_images", made_from["images"])
    others = read_json(images / "run.json")["parameters"]["labels"]
    details = pd.DataFrame({"categories": _lists(made_from["labels"], "files.parquet", "categories", titles)})
    for name in dict.fromkeys([made_from["labels"], *others]):
        details[f"labels: {name}"] = _lists(name, "labels.parquet", "labels", titles)
    return Context(read_array(images / "images.npy"), details, _why(made_from["labels"], titles))


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
