"""headJ: from a category straight to the category named like a head it shares."""

from concurrent.futures import ThreadPoolExecutor

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
    starts = range(0, len(graph), BLOCK)
    with ThreadPoolExecutor(2) as pool:  # numpy sorts without holding the interpreter
        blocks = list(pool.map(lambda first: _block(graph, first, min(first + BLOCK, len(graph))), starts))
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
    size = np.diff(graph.indptr[first : last + 1]) + 1
    source = np.repeat(np.arange(last - first, dtype=np.int32), size)
    parent = np.empty(len(source), dtype=np.int32)
    own = np.cumsum(size) - size
    parent[own] = -1
    parent[np.delete(np.arange(len(source)), own)] = graph.parents[graph.indptr[first] : graph.indptr[last]]
    form = graph.heads.of[np.where(parent < 0, source + first, parent)]
    known = form >= 0
    words, shorter = graph.heads.words, graph.heads.shorter
    source, parent, form = _standing_twice(source[known], parent[known], form[known], words, shorter)
    return source + np.int32(first), parent, form


def _standing_twice(
    source: np.ndarray, parent: np.ndarray, form: np.ndarray, words: np.ndarray, shorter: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entries, sorted by source, whose form stands twice for their source once the longest are shortened."""
    found = []
    while len(source):
        twice = _is_repeated(source, form)
        found.append((source[twice], parent[twice], form[twice]))
        first = np.flatnonzero(np.diff(source, prepend=-1))
        size = np.diff(first, append=len(source))
        longest = np.repeat(np.maximum.reduceat(words[form], first), size)
        open_ = ~np.repeat(np.logical_or.reduceat(twice, first), size) & (longest > 1)
        source, parent, form, longest = source[open_], parent[open_], form[open_], longest[open_]
        form = np.where(words[form] == longest, shorter[form], form)
    sources, parents, forms = (np.concatenate(column) for column in zip(*found, strict=True))
    return sources, parents, forms


def _is_repeated(source: np.ndarray, form: np.ndarray) -> np.ndarray:
    """Whether another entry has the same source and form; both are numbered from 0.

    One sort of (source, form, place) packed into 64 bits: BLOCK keeps it below 17 + 27 + 20.
    """
    bits = max(int(len(source)).bit_length(), 1)
    key = source.astype(np.uint64) * np.uint64(form.max() + 1) + form.astype(np.uint64)
    key = np.sort(key << np.uint64(bits) | np.arange(len(source), dtype=np.uint64))
    place, value = key & np.uint64((1 << bits) - 1), key >> np.uint64(bits)
    same = value[1:] == value[:-1]
    repeated = np.zeros(len(source), dtype=bool)
    repeated[place[1:][same]] = repeated[place[:-1][same]] = True
    return repeated
