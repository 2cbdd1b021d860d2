"""Heuristics: rules that say where a walk goes on; tried in order, the first that labels wins."""

import re
from dataclasses import dataclass, field

import numpy as np

from wikitopics.errors import UserError
from wikitopics.labels import hops
from wikitopics.labels.category_graph import UNCONNECTED, CategoryGraph
from wikitopics.labels.climb import Ladder
from wikitopics.labels.embeddings import Embed, default_embedder
from wikitopics.labels.head_jumps import NO_JUMP, head_jumps
from wikitopics.labels.hops import Hops, joined
from wikitopics.labels.taxonomy import Taxonomy

RULES = ("all", "depth", "head", "headJ", "lookahead", "embedding", "embeddingNN")


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
    ways = [way.where(open_[way.source]) for way in ways]
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


def _hops_of(
    rule: str, graph: CategoryGraph, anchored: np.ndarray, no_jump: frozenset[str], embed: Embed | None
) -> Hops:
    if rule.startswith("embedding"):
        return hops.embedded_parents(
            graph, embed or default_embedder(), int(rule[9:]) / 100 if rule[9:] else None
        )
    return {
        "all": lambda: hops.all_parents(graph),
        "depth": lambda: hops.nearer_parents(graph),
        "head": lambda: hops.parents_of_same_head(graph),
        "headJ": lambda: head_jumps(graph, no_jump),
        "lookahead": lambda: hops.anchored_parents(graph, anchored),
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
