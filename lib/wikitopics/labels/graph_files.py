"""Reading a category graph: from Parquet, from a table of edges, from tables in memory."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from wikitopics.errors import UserError
from wikitopics.labels.category_graph import UNCONNECTED, CategoryGraph
from wikitopics.labels.depths import depths_from
from wikitopics.labels.head_words import described, head_forms
from wikitopics.labels.heads import find_heads
from wikitopics.labels.lookup import Texts, positions, release

ROOT = "CommonsRoot"
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
            return _of_columns({name: pq.read_table(file, columns=[name])[name] for name in names})
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
    _need(list(edges.columns), ["title", "parent"])
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
    return _of_columns({name: table[name] for name in table.column_names if name in COLUMNS})


def _of_columns(columns: dict[str, pa.ChunkedArray]) -> CategoryGraph:
    """The graph; texts are taken out of `columns` and let go as soon as they are numbers."""
    _need(list(columns), ["title", "parents"])
    release()  # what decoding took
    titles = _one_chunk(columns.pop("title"))
    forms = head_forms(columns.pop("head") if "head" in columns else find_heads(titles))
    lists = columns.pop("parents")
    length = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    own, parents, named = _located([titles, pc.list_flatten(lists), forms.texts], titles)
    del lists
    _check_unique(titles, own)
    indptr, parents, red = _compressed(length, parents)
    depth = _depth(columns, titles, indptr, parents)
    hidden = _bools(columns["hiddencat"]) if "hiddencat" in columns else np.zeros(len(titles), dtype=bool)
    counts = {
        "parents that have no page": red,
        "categories that do not reach the root": int((depth == UNCONNECTED).sum()),
        "hidden categories": int(hidden.sum()),
    }
    notes = {what: count for what, count in counts.items() if count}
    heads = described(forms, named)
    release()
    return CategoryGraph(titles, indptr, parents, depth, hidden, heads, notes)


def _located(columns: list[Texts], titles: pa.Array) -> list[np.ndarray]:
    """`positions` of several columns in one go, since to index millions of titles takes longest."""
    pieces = [column.chunks if isinstance(column, pa.ChunkedArray) else [column] for column in columns]
    together = pa.chunked_array([p.cast(titles.type) for chunks in pieces for p in chunks], titles.type)
    ends = np.cumsum([len(column) for column in columns])[:-1]
    return np.split(positions(together, titles), ends)


def _compressed(length: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """indptr, parents, and how many parents are no category of the table (they are left out)."""
    known = found >= 0
    row = np.repeat(np.arange(len(length), dtype=np.int32), length)[known]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(length)))])
    return indptr, found[known], int((~known).sum())


def _depth(columns: dict, titles: pa.Array, indptr: np.ndarray, parents: np.ndarray) -> np.ndarray:
    if "depth" in columns:
        depth = columns["depth"]
        if "depth_max" in columns:
            depth = pc.coalesce(depth, columns["depth_max"].cast(depth.type))
        return pc.fill_null(depth.cast(pa.int16()), UNCONNECTED).to_numpy()
    root = positions(pa.array([ROOT]), titles)[0]
    if root < 0:
        raise UserError(
            f"a category graph without the column depth must have the root {ROOT!r}, but has no category of "
            f"that name; add it above the topmost ones"
        )
    return depths_from(root, indptr, parents)


def _need(columns: list[str], needed: list[str]) -> None:
    missing = [name for name in needed if name not in columns]
    if missing:
        raise UserError(
            f"a category graph must have the columns {', '.join(needed)}, but has no {', '.join(missing)}; "
            f"add what is missing"
        )


def _check_unique(titles: pa.Array, own: np.ndarray) -> None:
    """`own`: where each title stands first."""
    again = np.flatnonzero(own != np.arange(len(own)))
    if len(again):
        twice = titles[int(again[0])].as_py()
        raise UserError(
            f"a category must stand in one row of the graph, but {twice!r} stands in several; merge them"
        )


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def _bools(column: pa.ChunkedArray) -> np.ndarray:
    return pc.fill_null(column.cast(pa.bool_()), False).to_numpy()
