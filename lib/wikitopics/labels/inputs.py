"""What notebook 01 reads beside the files: a category graph, topics of articles, what people said."""

from pathlib import Path
from typing import Any

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.judgements import annotations
from wikitopics.labels.agreement import agreement, majority
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.graph_files import open_graph
from wikitopics.labels.labelled import human_labels, known_labels
from wikitopics.labels.taxonomy import Taxonomy
from wikitopics.paths import root, sample_folder
from wikitopics.sources import Source
from wikitopics.sources.article_topics import search_dumps, topics_from_dumps


def graph_for(label_source: str, path: str, source: Source) -> CategoryGraph | None:
    """The category graph at `path` below the root folder, if the label source walks.

    Without a path: the source's own, else the sample's.
    """
    if not label_source.startswith("commons"):
        return None
    return open_graph(root() / path if path else source.graph() or sample_folder())


def topics_for(label_source: str, path: str, files: pd.DataFrame) -> pd.DataFrame | None:
    """The topics (article, topic, score) of the articles of `files`, if the label source uses them.

    `path`, below the root folder: a table, or dumps of search indices; empty: the sample's table.
    """
    if label_source != "ores":
        return None
    place = root() / path if path else sample_folder() / "articles.csv"
    if search_dumps(place):
        return topics_from_dumps(place, files["articles"].explode().dropna())
    return read_table(place, "topics")


def people_for(source: Any, path: str, taxonomy: Taxonomy) -> tuple[pd.DataFrame | None, float | None]:
    """What people said (title, labels) in this run's labels, and how far they agree with each other.

    With annotations at `path` (a folder of journals, judgements/01_labels/RUN, or a table with title,
    annotator and labels: lists, or texts joined by |): their
    majority, and the micro F1 of one annotator against another. Else the source's human view and None.
    """
    if not path:
        return human_labels(source.human(taxonomy.name), taxonomy), None
    place = root() / path
    table = annotations(place) if place.is_dir() else read_table(place, "annotations")
    if "labels" in table:
        said = table["labels"].map(lambda cell: cell.split("|") if isinstance(cell, str) else list(cell))
        table["labels"] = known_labels(said, taxonomy)
    return majority(table, taxonomy), float(agreement(table, taxonomy)["f1"][0])


def read_table(path: Path, parameter: str) -> pd.DataFrame:
    """A table from a CSV or Parquet file; UserError, naming the parameter, where there is none."""
    if not path.is_file() or path.suffix not in (".csv", ".parquet"):
        raise UserError(f"{parameter} must be a .csv or .parquet file, but {path} is none; correct the path")
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, keep_default_na=False)
