"""headJ: from a category straight to the category named like a head it shares."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.hops import BLOCK, Hops, joined, nearer

# Heads under which Commons keeps things of every kind: a jump there would lose what the thing is.
NO_JUMP = frozenset({"Genera", "Specimens", "Antagonists", "Births"})


def head_jumps(graph: CategoryGraph, no_jump: frozenset[str] = NO_JUMP) -> Hops:
    """Jumps to categories named like a head that stands twice among those of a category and its parents.

    While all those heads differ, the longest of them lose their first word. A head that stands twice leads
    to the category of that name if that is nearer to the root; for a head in `no_jump` the hops go to the
    parents that have it instead.
    """
    blocks = [_block(graph, first, min(first + BLOCK, len(graph))) for first in range(0, len(graph), BLOCK)]
    heads = graph.heads
    kept = pc.is_in(heads.forms, value_set=pa.array(sorted(no_jump), heads.forms.type))
    kept = kept.to_numpy(zero_copy_only=False)
    return joined([_hops(graph, kept, *block) for block in blocks])


def _hops(graph: CategoryGraph, no_jump: np.ndarray, source, parent, form) -> Hops:
    goal = graph.heads.category[form]
    allowed = (goal >= 0) & nearer(graph.depth, source, goal)
    stays, jumps = allowed & no_jump[form] & (parent >= 0), allowed & ~no_jump[form]
    pairs = np.unique(source[jumps].astype(np.int64) << 32 | goal[jumps])
    to_goal = Hops((pairs >> 32).astype(np.int32), (pairs & 0xFFFFFFFF).astype(np.int32))
    return joined([Hops(source[stays], parent[stays]), to_goal])


def _block(graph: CategoryGraph, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(source, parent or -1 for the category itself, form) of all heads that stand twice in the block."""
    own = np.arange(first, last, dtype=np.int32)
    parents = graph.parents[graph.indptr[first] : graph.indptr[last]]
    source = np.concatenate([own, np.repeat(own, np.diff(graph.indptr[first : last + 1]))])
    parent = np.concatenate([np.full(len(own), -1, dtype=np.int32), parents])
    order = np.argsort(source, kind="stable")
    source, parent = source[order], parent[order]
    form = graph.heads.of[np.where(parent < 0, source, parent)]
    known = form >= 0
    return _standing_twice(source[known], parent[known], form[known], graph.heads.words, graph.heads.shorter)


def _standing_twice(source, parent, form, words, shorter) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entries, sorted by source, whose form stands twice for their source once the longest are shortened."""
    found = []
    while len(source):
        twice = _is_repeated(source, form)
        found.append((source[twice], parent[twice], form[twice]))
        first = np.flatnonzero(np.diff(source, prepend=-1))
        size = np.diff(first, append=len(source))
        longest = np.repeat(np.maximum.reduceat(words[form], first), size)
        done = np.repeat(np.logical_or.reduceat(twice, first), size) | (longest <= 1)
        source, parent, form, longest = source[~done], parent[~done], form[~done], longest[~done]
        form = np.where(words[form] == longest, shorter[form], form)
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def _is_repeated(source: np.ndarray, form: np.ndarray) -> np.ndarray:
    key = source.astype(np.int64) << 32 | form
    order = np.argsort(key)
    same = np.diff(key[order]) == 0
    repeated = np.empty(len(key), dtype=bool)
    repeated[order] = np.append(same, False) | np.concatenate([[False], same])
    return repeated
