"""Reading a category graph: from Parquet, from a table of edges, from tables in memory."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from wikitopics.errors import UserError
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.graph_columns import of_columns
from wikitopics.sources.files import need_columns

COLUMNS = {"title", "parents", "depth", "depth_max", "head", "hiddencat"}


def open_graph(path: str | Path) -> CategoryGraph:
    """The graph in a folder (categories.parquet or categories.csv) or in one such file.

    A Parquet file has `title` and `parents` (lists), and may have `depth` (and `depth_max`, its upper bound
    where depth is unknown), `head` and `hiddencat`. A CSV file has one row an edge: title,parent,hidden.
    Raises UserError where nothing can be read there.
    """
    path = Path(path)
    for file in (path, path / "categories.parquet", path / "categories.csv"):
        if file.is_file() and file.suffix == ".parquet":
            names = [name for name in pq.read_schema(file).names if name in COLUMNS]
            return of_columns({name: pq.read_table(file, columns=[name])[name] for name in names})
        if file.is_file() and file.suffix == ".csv":
            options = pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(("title", "parent", "hidden"), pa.string())
            )
            parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
            return from_edges(pyarrow.csv.read_csv(file, None, parse, options).to_pandas())
    raise UserError(
        f"a category graph must be a folder with categories.parquet or categories.csv, or such a file, "
        f"but {path} is neither; correct the path"
    )


def from_table(table: pd.DataFrame) -> CategoryGraph:
    """The graph of a table with one row per category; columns as in `open_graph`.

    >>> g = from_table(pd.DataFrame({"title": ["CommonsRoot", "Topics", "Cats"],
    ...                              "parents": [[], ["CommonsRoot"], ["Topics", "Red link"]]}))
    >>> g.depth.tolist(), g.find(["Cats", "Dogs"]).tolist(), g.notes
    ([1, 2, 3], [2, -1], {'parents that have no page': 1})
    """
    return from_arrow(pa.Table.from_pandas(table, preserve_index=False))


def from_edges(edges: pd.DataFrame) -> CategoryGraph:
    """The graph of a table with one row per edge: title, parent, hidden.

    Every name that occurs is a category; a row with an empty parent only says that the category is there. A
    category is hidden if any of its rows says so.
    """
    need_columns("a category graph", edges.columns, ["title", "parent"])
    titles, parents = edges["title"].fillna(""), edges["parent"].fillna("")
    names = pd.Index(pd.unique(pd.concat([titles, parents], ignore_index=True))).drop("", errors="ignore")
    known = parents != ""
    lists = parents[known].groupby(titles[known], sort=False).agg(lambda s: list(dict.fromkeys(s)))
    hidden = (
        set(titles[edges["hidden"].astype(str).str.lower().isin(["1", "true"])]) if "hidden" in edges else ()
    )
    return from_table(
        pd.DataFrame(
            {
                "title": names,
                "parents": [lists.get(name, []) for name in names],
                "hiddencat": [name in hidden for name in names],
            }
        )
    )


def from_arrow(table: pa.Table) -> CategoryGraph:
    """The graph of an Arrow table; see `open_graph`. Raises UserError for a title in two rows.

    Without the column head, heads are found by rule (about 100,000 names a second).
    """
    return of_columns({name: table[name] for name in table.column_names if name in COLUMNS})
