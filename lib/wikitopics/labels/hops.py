"""Hops: which categories a rule leads to from which category, as pairs of arrays."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from wikitopics.labels.category_graph import UNCONNECTED, CategoryGraph

BLOCK = 1 << 17  # categories looked at together, to bound the memory


class Hops(NamedTuple):
    """Steps of a walk: `source[i]` leads to `target[i]`; both (m,) int32."""

    source: np.ndarray
    target: np.ndarray

    def where(self, kept: np.ndarray) -> "Hops":
        """The hops for which the (m,) bool array is true."""
        return Hops(self.source[kept], self.target[kept])


def joined(parts: list[Hops]) -> Hops:
    """All hops of several lists."""
    return Hops(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def all_parents(graph: CategoryGraph) -> Hops:
    """Every parent."""
    return Hops(*graph.edges())


def nearer_parents(graph: CategoryGraph) -> Hops:
    """Parents of lower depth: those on a shortest way to the root."""
    hops = all_parents(graph)
    return hops.where(nearer(graph.depth, *hops))


def nearer(depth: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Whether each target is connected and less deep than its source: (m,) bool."""
    return (depth[target] != UNCONNECTED) & (depth[target] < depth[source])


def anchored_parents(graph: CategoryGraph, anchored: np.ndarray) -> Hops:
    """Parents that are anchors themselves; `anchored`: (n,) bool."""
    hops = all_parents(graph)
    return hops.where(anchored[hops.target])


def parents_of_same_head(graph: CategoryGraph) -> Hops:
    """Parents whose head ends in the same word as the category's own head ("Red cats": "Cats by colour")."""
    hops, heads = all_parents(graph), graph.heads
    last = np.append(heads.last, -1)[heads.of]  # form -1 (unknown) has the last word -1
    says_something = np.append(heads.words > 0, False)[last]
    return hops.where((last[hops.source] == last[hops.target]) & says_something[hops.source])


def embedded_parents(
    graph: CategoryGraph, embed: Callable[[list[str]], np.ndarray], limit: float | None
) -> Hops:
    """Parents at a cosine distance below `limit` of the names' embeddings; None: the one nearest parent.

    `embed` takes names and returns one row for each.
    """
    hops = all_parents(graph)
    distance = np.empty(len(hops.source), dtype=np.float32)
    for start in range(0, len(distance), BLOCK):
        part = Hops(hops.source[start : start + BLOCK], hops.target[start : start + BLOCK])
        distance[start : start + BLOCK] = _distances(graph, part, embed)
    if limit is not None:
        return hops.where(distance < limit)
    order = np.lexsort((distance, hops.source))
    first = np.diff(hops.source[order], prepend=-1) != 0
    return hops.where(np.sort(order[first]))


def _distances(graph: CategoryGraph, hops: Hops, embed: Callable[[list[str]], np.ndarray]) -> np.ndarray:
    used, place = np.unique(np.concatenate(hops), return_inverse=True)
    vectors = np.asarray(embed(graph.titles.take(used).to_pylist()), dtype=np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    source, target = np.split(place, 2)
    return 1 - np.einsum("ij,ij->i", vectors[source], vectors[target])
