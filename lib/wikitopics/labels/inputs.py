"""What a label source reads beside the files: a category graph, or topics of articles."""

from pathlib import Path

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.graph_files import open_graph
from wikitopics.paths import root, sample_folder


def graph_for(label_source: str, path: str) -> CategoryGraph | None:
    """The category graph at `path` (below the root folder; empty: the sample's), if the source walks."""
    if not label_source.startswith("commons"):
        return None
    return open_graph(root() / path if path else sample_folder())


def topics_for(label_source: str, path: str) -> pd.DataFrame | None:
    """The article topics at `path` (article, topic, score; empty: the sample's), if the source uses them."""
    if label_source != "ores":
        return None
    return read_topics(root() / path if path else sample_folder() / "articles.csv")


def read_topics(path: Path) -> pd.DataFrame:
    """A table of article topics from a CSV or Parquet file."""
    if not path.is_file() or path.suffix not in (".csv", ".parquet"):
        raise UserError(
            f"article topics must be a .csv or .parquet file, but {path} is none; correct the path"
        )
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, keep_default_na=False)
