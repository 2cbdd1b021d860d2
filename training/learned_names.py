"""Means of embeddings over a file's categories and over their parents, weighted as the bags of words are."""

from collections.abc import Callable, Iterable

import numpy as np

from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.learned import category_weights


def means_over_names(
    graph: CategoryGraph, lists: Iterable[list[str]], embed: Callable[[list[str]], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """(own, parents): two (n_files, d) arrays; a category without known parents stands for its own parent."""
    lists = [list(names) for names in lists]
    ups = [[parent for name in names for parent in _parents(graph, name) or [name]] for names in lists]
    every = sorted({name for names in lists + ups for name in names})
    place = {name: number for number, name in enumerate(every)}
    rows, weight = embed(every), category_weights(every)
    return tuple(
        np.stack([_mean(rows, weight, [place[n] for n in names]) for names in of]) for of in (lists, ups)
    )


def _parents(graph: CategoryGraph, name: str) -> list[str]:
    index = graph.find([name])[0]
    if index < 0:
        return []
    return graph.titles.take(graph.parents[graph.indptr[index] : graph.indptr[index + 1]]).to_pylist()


def _mean(rows: np.ndarray, weight: np.ndarray, chosen: list[int]) -> np.ndarray:
    if not chosen:
        return np.zeros(rows.shape[1], dtype=np.float32)
    return weight[chosen] @ rows[chosen] / max(weight[chosen].sum(), 0.3)
