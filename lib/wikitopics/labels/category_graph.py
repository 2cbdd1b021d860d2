"""The category graph in columns: read from tables, with depths; no object per category."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy import sparse

from wikitopics.errors import UserError
from wikitopics.labels.heads import HeadWords, described, find_heads, head_forms, part_of_heads
from wikitopics.labels.lookup import Texts, categories_at, categories_spelled, positions, release
from wikitopics.sources.files import ROOT, need_columns
from wikitopics.sources.table_cells import as_text, yes_or_no
from wikitopics.sources.tables import is_table, lists_of, read_table, schema_of, texts_of
from wikitopics.titles import category_key

UNCONNECTED = -1  # depth of a category from which no parents lead to the root

COLUMNS = {"title", "parents", "depth", "depth_max", "head", "hiddencat"}


@dataclass(frozen=True)
class CategoryGraph:
    """Categories 0..n-1 with their parents.

    titles: n names. indptr: (n + 1,) int64 and parents: (m,) int32, so that the parents of category i are
    parents[indptr[i]:indptr[i + 1]], in page order. depth: (n,) int32, the root has 1, UNCONNECTED where
    there is no way. hidden: (n,) bool. heads: their lexical heads, word by word. notes: what was left out,
    sentence fragment -> count. struck: (k, 2) int32, pairs (category, other) that no walk may go.
    """

    titles: pa.Array
    indptr: np.ndarray
    parents: np.ndarray
    depth: np.ndarray
    hidden: np.ndarray
    heads: HeadWords
    notes: dict[str, int] = field(default_factory=dict)
    struck: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.int32), repr=False)

    def __len__(self) -> int:
        return len(self.titles)

    def find(self, titles: Texts | list[str]) -> np.ndarray:
        """Index of each title, however written, -1 where the graph has no such category: (k,) int32."""
        return categories_at(
            pa.array(titles, pa.string()) if isinstance(titles, list) else titles, self.titles
        )

    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """All (category, parent) pairs as two int32 arrays, in order of the category."""
        categories = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.indptr))
        return categories, self.parents

    def title(self, index: int) -> str:
        """Name of one category."""
        return self.titles[int(index)].as_py()


def without(graph: CategoryGraph, hops: Sequence[tuple[str, str]]) -> CategoryGraph:
    """The graph without these (child, parent) hops, which people struck out; depths stay as they are.

    A hop is an edge, or a jump of the rule headJ to a category that is no parent: neither is gone any more.
    How many there were, and how many name a category that this graph lacks, is in the notes.
    """
    if not hops:
        return graph
    child, parent = (graph.find(list(names)) for names in zip(*hops, strict=True))
    known = np.unique(np.column_stack([child, parent])[(child >= 0) & (parent >= 0)], axis=0)
    rows, above = graph.edges()
    asked = np.flatnonzero(np.isin(rows, known[:, 0]))
    out = asked[np.isin(pair_numbers(rows[asked], above[asked]), pair_numbers(*known.T))]
    length = np.bincount(np.delete(rows, out), minlength=len(graph))
    counts = {
        "hops struck out by people": len(known),
        "struck hops of other graphs": len(set(hops)) - len(known),
    }
    notes = graph.notes | {what: count for what, count in counts.items() if count}
    indptr = np.concatenate([[0], np.cumsum(length)]).astype(graph.indptr.dtype)
    struck = np.concatenate([graph.struck, known.astype(np.int32)])
    return replace(graph, indptr=indptr, parents=np.delete(above, out), notes=notes, struck=struck)


def pair_numbers(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """One number for each pair of categories: (k,) int64.

    >>> pair_numbers(np.array([0, 1]), np.array([5, 0])).tolist()
    [5, 4294967296]
    """
    return source.astype(np.int64) << 32 | target


def part(graph: CategoryGraph, kept: np.ndarray) -> CategoryGraph:
    """The categories for which `kept` (n,) is true, the edges between them, and the depths they had.

    A walk that meets only such categories, and no head that names another, goes as in the whole graph.
    """
    number = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    child, parent = (number[ends] for ends in graph.edges())
    inside = (child >= 0) & (parent >= 0)
    length = np.bincount(child[inside], minlength=int(kept.sum()))
    struck = number[graph.struck]
    return CategoryGraph(
        graph.titles.filter(pa.array(kept)),
        np.concatenate([[0], np.cumsum(length)]),
        parent[inside],
        graph.depth[kept],
        graph.hidden[kept],
        part_of_heads(graph.heads, kept, number),
        struck=struck[(struck >= 0).all(axis=1)],
    )


# --- A category graph out of columns of texts: indexed, compressed, with depths and lexical heads


def of_columns(columns: dict[str, pa.ChunkedArray]) -> CategoryGraph:
    """The graph of the columns that `open_graph` tells; UserError where they do not make one.

    Texts are taken out of `columns` and let go as soon as they are numbers.
    """
    need_columns("a category graph", columns, ["title", "parents"])
    release()  # what decoding took
    titles = _one_chunk(_spelled_apart(columns.pop("title")))
    if titles.null_count:
        raise UserError(
            f"every category of a graph must have a title, but {titles.null_count:,} have none; fill them in"
        )
    forms = head_forms(columns.pop("head") if "head" in columns else find_heads(titles))
    lists = columns.pop("parents")
    length = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    above = pc.list_flatten(lists)
    own, parents, named = _located([titles, above, forms.texts], titles)
    parents = np.array(parents)  # Arrow's own may not be written to
    otherwise = np.flatnonzero(parents < 0)  # as they are written no category's name: in another spelling?
    parents[otherwise] = positions(categories_spelled(above.take(pa.array(otherwise))), titles)
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


def _spelled_apart(names: pa.ChunkedArray) -> pa.ChunkedArray:
    """The names as `categories_spelled` writes them, but as they are where another row is written so already.

    Commons itself has such pairs (one of them with an invisible mark): they stay two categories.
    """
    spelled = categories_spelled(names)
    names = names.cast(spelled.type)
    taken = pc.and_(pc.not_equal(names, spelled), pc.is_in(spelled, pc.unique(names)))
    return pc.if_else(pc.fill_null(taken, False), names, spelled)


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
        try:
            depth = columns["depth"].cast(pa.int32())
            if "depth_max" in columns:
                depth = pc.coalesce(depth, columns["depth_max"].cast(pa.int32()))
        except pa.ArrowException as error:
            raise UserError(
                f"the depth of a category must be a whole number, but one is not ({str(error)[:80]}); mend it"
            ) from None
        return pc.fill_null(depth, UNCONNECTED).to_numpy()
    root = positions(pa.array([ROOT]), titles)[0]
    if root < 0:
        raise UserError(
            f"a category graph without the column depth must have the root {ROOT!r}, but has no category of "
            f"that name; add it above the topmost ones"
        )
    return depths_from(root, indptr, parents)


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


def open_graph(path: str | Path) -> CategoryGraph:
    """The graph in a folder (categories.parquet or categories.csv) or in one such file.

    A Parquet file has `title` and `parents` (lists), and may have `depth` (and `depth_max`, its upper bound
    where depth is unknown), `head` and `hiddencat`. A CSV file has one row an edge: title,parent,hidden.
    Raises UserError where nothing can be read there.
    """
    path = Path(path)
    for file in (path, path / "categories.parquet", path / "categories.csv"):
        if file.is_file() and file.suffix == ".parquet":
            names = [name for name in schema_of(file, "a category graph").names if name in COLUMNS]
            return of_columns({name: _column(file, name) for name in names})
        if file.is_file() and is_table(file):
            return from_edges(read_table(file, "a category graph", ["title", "parent"], ["hidden"]))
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
    titles, parents = (edges[name].map(partial(_name, name)) for name in ("title", "parent"))
    if parents.str.contains("|", regex=False).any():
        several = parents[parents.str.contains("|", regex=False)].iloc[0]
        raise UserError(
            f"a row of a category graph must have one parent, but one has {several[:60]!r}; write a row each"
        )
    names = pd.Index(pd.unique(pd.concat([titles, parents], ignore_index=True))).drop("", errors="ignore")
    known = parents != ""
    lists = parents[known].groupby(titles[known], sort=False).agg(lambda s: list(dict.fromkeys(s)))
    hidden = set(titles[edges["hidden"].map(partial(yes_or_no, "hidden"))]) if "hidden" in edges else ()
    return from_arrow(
        pa.table(
            {
                "title": pa.array(names, pa.string()),
                "parents": pa.array([lists.get(name, []) for name in names], pa.list_(pa.string())),
                "hiddencat": pa.array([name in hidden for name in names], pa.bool_()),
            }
        )
    )


def _name(column: str, cell: Any) -> str:
    text = as_text(column, cell)
    return category_key(text) if text else ""


def _column(file: Path, name: str) -> pa.ChunkedArray:
    try:
        return _plain(pq.read_table(file, columns=[name])[name], name)
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"a category graph must be whole, but {file} cannot be read ({str(error)[:120]}); make it again"
        ) from None


def _plain(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """One column of a graph: texts as titles, lists of texts as parents, whatever way Arrow holds them."""
    if name in ("title", "head"):
        return texts_of(column, name)
    return lists_of(column, name) if name == "parents" else column


def from_arrow(table: pa.Table) -> CategoryGraph:
    """The graph of an Arrow table; see `open_graph`. Raises UserError for a title in two rows.

    Without the column head, heads are found by rule (about 100,000 names a second).
    """
    return of_columns({name: _plain(table[name], name) for name in table.column_names if name in COLUMNS})


def depths_from(root: int, indptr: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Number of categories on a shortest way from each category to the root, both counted: (n,) int32.

    The root has 1; -1 where no parents lead to it. Cycles do no harm.

    >>> depths_from(0, np.array([0, 0, 1, 3]), np.array([0, 0, 1]))
    array([1, 2, 2], dtype=int32)
    """
    n = len(indptr) - 1
    start, children = children_of(indptr, parents)
    depth = np.full(n, -1, dtype=np.int32)
    frontier, level = np.array([root]), 1
    while len(frontier):
        depth[frontier] = level
        below = children[spans(start[frontier], start[frontier + 1])]
        frontier, level = np.unique(below[depth[below] < 0]), level + 1
    return depth


def children_of(indptr: np.ndarray, parents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same edges seen from the parents: (indptr, children)."""
    n = len(indptr) - 1
    ones = np.ones(len(parents), dtype=np.int8)
    turned = sparse.csr_matrix((ones, parents, indptr), shape=(n, n)).tocsc()
    return turned.indptr, turned.indices


def spans(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """All integers of the half-open ranges [first, last), one range after the other.

    >>> spans(np.array([2, 7]), np.array([5, 8]))
    array([2, 3, 4, 7])
    """
    length = last - first
    shift = np.repeat(first - np.concatenate([[0], np.cumsum(length)[:-1]]), length)
    return shift + np.arange(length.sum())
