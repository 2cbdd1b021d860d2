"""A category graph out of columns of texts: indexed, compressed, with depths and lexical heads."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wikitopics.errors import UserError
from wikitopics.labels.category_graph import UNCONNECTED, CategoryGraph
from wikitopics.labels.depths import depths_from
from wikitopics.labels.head_words import described, head_forms
from wikitopics.labels.heads import find_heads
from wikitopics.labels.lookup import Texts, positions, release
from wikitopics.sources.files import need_columns

ROOT = "CommonsRoot"


def of_columns(columns: dict[str, pa.ChunkedArray]) -> CategoryGraph:
    """The graph of the columns that `graph_files.open_graph` tells; UserError where they do not make one.

    Texts are taken out of `columns` and let go as soon as they are numbers.
    """
    need_columns("a category graph", columns, ["title", "parents"])
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
