"""Heuristics: rules that say where a walk goes on; tried in order, the first that labels wins."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from wikitopics.errors import UserError
from wikitopics.labels.category_graph import UNCONNECTED, CategoryGraph, pair_numbers
from wikitopics.labels.embeddings import Embed, default_embedder
from wikitopics.labels.taxonomy import Taxonomy

BLOCK = 1 << 17  # categories looked at together, to bound the memory

ROUNDS = 1000  # more than any chain of hops that do not lead nearer to the root

# Heads under which Commons keeps things of every kind: a jump there would lose what the thing is.
NO_JUMP = frozenset({"Genera", "Specimens", "Antagonists", "Births"})

RULES = ("all", "depth", "head", "headJ", "lookahead", "embedding", "embeddingNN")


# --- Hops: which categories a rule leads to from which category, as pairs of arrays


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


# --- Carrying values up and down the hops: one vectorised step for each depth


class Ladder:
    """Hops in order of their source's depth, so that one pass from the root outward finds its targets done.

    A hop to a category that is not less deep may find its target not yet done: then the pass is repeated
    until nothing changes.
    """

    def __init__(self, hops: Hops, depth: np.ndarray) -> None:
        by_source = np.argsort(hops.source, kind="stable")
        order = by_source[np.argsort(depth[hops.source[by_source]], kind="stable")]
        source, self.target = hops.source[order], hops.target[order]
        first = np.flatnonzero(np.diff(source, prepend=-1))
        self.source = source[first]
        self.start = np.append(first, len(source))
        self.levels = np.append(np.flatnonzero(np.diff(depth[self.source], prepend=-2)), len(first))
        goes_on = np.zeros(len(depth), dtype=bool)
        goes_on[self.source] = True
        self.once = not (goes_on[self.target] & (depth[self.target] >= depth[source])).any()

    def climb(self, values: np.ndarray, combine: np.ufunc = np.bitwise_or) -> np.ndarray:
        """Combine values[source] with those of all its targets, in place, until nothing changes.

        `combine` must be idempotent and monotone (bitwise_or, minimum): the result is its least fixed point.
        """
        for _ in range(ROUNDS):
            changed = False
            for source, start, target in self.steps():
                new = combine(values[source], combine.reduceat(values[target], start, axis=0))
                changed = changed or bool((new != values[source]).any())
                values[source] = new
            if self.once or not changed:
                break
        return values

    def average(self, values: np.ndarray, precision: float = 1e-4) -> np.ndarray:
        """Replace values[source] by the mean of its targets' rows, in place: a random walk along the hops.

        In a loop the walk goes on until no value moves by more than `precision`.
        """
        for _ in range(ROUNDS):
            moved = 0.0
            for source, start, target in self.steps():
                ends = np.append(start, len(target))
                chance = np.repeat((1 / np.diff(ends)).astype(np.float32), np.diff(ends))
                new = sparse.csr_matrix((chance, target, ends), (len(source), len(values))) @ values
                moved = moved if self.once else max(moved, float(np.abs(new - values[source]).max()))
                values[source] = new
            if self.once or moved <= precision:
                break
        return values

    def steps(self):
        """For each depth: sources, where the hops of each start, targets."""
        for first, last in zip(self.levels[:-1], self.levels[1:], strict=True):
            start = self.start[first:last]
            yield self.source[first:last], start - start[0], self.target[start[0] : self.start[last]]


# --- headJ: from a category straight to the category named like a head it shares


def head_jumps(graph: CategoryGraph, no_jump: frozenset[str] = NO_JUMP) -> Hops:
    """Jumps to categories named like a head that stands twice among those of a category and its parents.

    While all those heads differ, the longest of them lose their first word. A head that stands twice leads
    to the category of that name if that is nearer to the root; for a head in `no_jump` the hops go to the
    parents that have it instead.
    """
    ends = [(first, min(first + BLOCK, len(graph))) for first in range(0, len(graph), BLOCK)]
    if len(ends) == 1:
        blocks = [_block(graph, *ends[0])]
    else:
        with ThreadPoolExecutor(2) as pool:  # numpy sorts without holding the interpreter
            blocks = list(pool.map(lambda pair: _block(graph, *pair), ends))
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


# --- Rules tried in order: where a walk goes on, and the first that labels


@dataclass(frozen=True)
class CategoryLabels:
    """What every category of a graph is labelled, and by which rule.

    masks: (n,) uint64, bit i stands for taxonomy.label_names[i]; closed upward; 0 for no label.
    rule: (n,) int8, index into `rules`; -1 for anchors and for categories without a label.
    hops: those that gave the labels: of the category's rule, to categories that have labels.
    """

    graph: CategoryGraph
    taxonomy: Taxonomy
    rules: tuple[str, ...]
    masks: np.ndarray
    rule: np.ndarray
    hops: Hops = field(repr=False)


def parse(heuristics: str) -> tuple[str, ...]:
    """The rules of a string such as "headJ+lookahead+depth". Raises UserError for one that is unknown.

    >>> parse("headJ+embedding10+depth")
    ('headJ', 'embedding10', 'depth')
    """
    rules = tuple(heuristics.split("+"))
    for rule in rules:
        if rule not in RULES[:-1] and not re.fullmatch("embedding[1-9][0-9]?", rule):
            raise UserError(
                f"heuristics must be rules joined by +, each one of {', '.join(RULES)}, but one is {rule!r}; "
                f"write for example headJ+depth"
            )
    if len(set(rules)) < len(rules):
        raise UserError(f"heuristics must name a rule once, but are {heuristics!r}; leave out the repetition")
    return rules


def label_categories(
    graph: CategoryGraph,
    taxonomy: Taxonomy,
    heuristics: str,
    no_jump: frozenset[str] = NO_JUMP,
    embed: Embed | None = None,
) -> CategoryLabels:
    """Label every category by walking towards the anchors.

    A walk ends at an anchor, which gives its label and the label's ancestors. It gives nothing at a category
    that is hidden, does not reach the root, or has a head that says nothing (a number, a month).
    From any other category it goes where the first rule leads that gives labels; they are the union over
    that rule's hops. Loops are resolved by least fixed points, so the order of queries means nothing.
    `embed` (names -> rows) serves the embedding rules; None is `embeddings.default_embedder`.
    Raises UserError for an unknown rule.
    """
    rules = parse(heuristics)
    anchors = _anchors(graph, taxonomy)
    open_ = _goes_on(graph) & (anchors == 0)
    ways = [_hops_of(rule, graph, anchors != 0, no_jump, embed) for rule in rules]
    ways = [way.where(open_[way.source] & _allowed(graph, way)) for way in ways]
    rule, masks, used = _first_that_labels(ways, anchors, graph.depth)
    return CategoryLabels(graph, taxonomy, rules, masks, rule, used)


def _anchors(graph: CategoryGraph, taxonomy: Taxonomy) -> np.ndarray:
    given = taxonomy.anchor_masks()
    place = graph.find(list(given))
    if not (place >= 0).any():
        raise UserError(
            f"the graph must hold anchors of the taxonomy {taxonomy.name}, but has none of "
            f"{', '.join(given)}; check that the two belong together"
        )
    masks = np.zeros(len(graph), dtype=np.uint64)
    for index, mask in zip(place, given.values(), strict=True):
        if index >= 0:
            masks[index] = mask
    return masks


def _goes_on(graph: CategoryGraph) -> np.ndarray:
    null_head = np.append(graph.heads.null, False)[graph.heads.of]  # an unknown head (-1) is none
    return (graph.depth != UNCONNECTED) & ~graph.hidden & ~null_head


def _allowed(graph: CategoryGraph, hops: Hops) -> np.ndarray:
    """Whether nobody struck a hop out: a struck edge is gone, but a jump may still lead there: (m,) bool."""
    return np.isin(pair_numbers(*hops), pair_numbers(*graph.struck.T), invert=True)


def _hops_of(
    rule: str, graph: CategoryGraph, anchored: np.ndarray, no_jump: frozenset[str], embed: Embed | None
) -> Hops:
    if rule.startswith("embedding"):
        return embedded_parents(graph, embed or default_embedder(), int(rule[9:]) / 100 if rule[9:] else None)
    return {
        "all": lambda: all_parents(graph),
        "depth": lambda: nearer_parents(graph),
        "head": lambda: parents_of_same_head(graph),
        "headJ": lambda: head_jumps(graph, no_jump),
        "lookahead": lambda: anchored_parents(graph, anchored),
    }[rule]()


def _first_that_labels(
    ways: list[Hops], anchors: np.ndarray, depth: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Hops]:
    """Rule, masks and hops in use of every category.

    A category can be labelled if any rule leads to one that can; of its rules the first such is taken. In a
    loop such rules may only lead to each other: those categories then take the next rule that labels them,
    all at once.
    """
    reached = Ladder(joined(ways), depth).climb(anchors != 0)
    rule = _first_rule(ways, reached, np.full(len(depth), -1, dtype=np.int8))
    while True:
        used = joined(
            [way.where((rule[way.source] == i) & reached[way.target]) for i, way in enumerate(ways)]
        )
        masks = Ladder(used, depth).climb(anchors.copy())
        stuck = (rule >= 0) & (masks == 0)
        if not stuck.any():
            return rule, masks, used
        later = _first_rule(ways, masks != 0, np.where(stuck, -1, rule).astype(np.int8))
        rule = np.where(later >= 0, later, rule)


def _first_rule(ways: list[Hops], labelled: np.ndarray, rule: np.ndarray) -> np.ndarray:
    """The rule of each category, -1 replaced by the first rule that leads to a labelled category, if any."""
    for i, way in enumerate(ways):
        found = way.source[labelled[way.target]]
        rule[found] = np.where(rule[found] < 0, i, rule[found])
    return rule
