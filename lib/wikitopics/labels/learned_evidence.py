"""What is known of a file before anything is learned: words of its names, and facts for each label."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp

from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.heads import find_head
from wikitopics.labels.heuristics import label_categories
from wikitopics.labels.learned_words import bags, category_weights, file_name
from wikitopics.labels.taxonomy import Taxonomy

WALKS = ("headJ+depth", "lookahead+headJ+depth")
FACTS = (
    *("walked to", "walked to by lookahead", "share of walked categories"),
    *("heads", "any head", "words", "parents' heads", "any parent's head", "parents' words"),
    *("grandparents' heads", "title", "heads that tell", "parents' heads that tell"),
)


@dataclass(frozen=True)
class Lexicon:
    """Known words: number of each; weights (n_words,) float32; hints at labels (n_words, n_labels) 0/1."""

    vocabulary: dict[str, int]
    weights: np.ndarray
    hints: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """What is known of n files.

    words: title, own categories, parents, each a sparse (n, n_words) float32 matrix of word weights.
    facts: (len(FACTS), n, n_labels) float32 in [0, 1], in the order of FACTS.
    """

    words: tuple[sp.csr_matrix, sp.csr_matrix, sp.csr_matrix]
    facts: np.ndarray


def walks(graph: CategoryGraph, taxonomy: Taxonomy) -> list[np.ndarray]:
    """Labels of every category by each of WALKS, as 0/1: two (n, n_labels) bool arrays."""
    bit = np.arange(len(taxonomy.label_names), dtype=np.uint64)
    masks = (label_categories(graph, taxonomy, rules).masks for rules in WALKS)
    return [(mask[:, None] >> bit & np.uint64(1)).astype(bool) for mask in masks]


def gather(graph: CategoryGraph, walked: list[np.ndarray], files: pd.DataFrame, lexicon: Lexicon) -> Evidence:
    """The evidence for `files` (title, categories), with `walked` as from `walks`.

    A category that the graph does not have counts by its words alone.
    """
    names, member = _members(files["categories"])
    place = graph.find(names)
    parents, of_parents = _parents(graph, place)
    grand, of_grand = _parents(graph, parents)
    parent_names = _titles(graph, parents)
    weight, up_weight = category_weights(names), category_weights(parent_names)
    own_bag = bags(names, lexicon.vocabulary, lexicon.weights)
    up_bag = bags(parent_names, lexicon.vocabulary, lexicon.weights)
    orphan = sp.diags((of_parents.getnnz(1) == 0).astype(np.float32))  # it stands for its own parent
    pull = _shares(member.multiply(weight[None]).tocsr(), 0.3)
    above = _shares(of_parents.multiply(up_weight[None]).tocsr(), 0.3) @ up_bag + orphan @ own_bag
    title_bag = bags([file_name(t) for t in files["title"]], lexicon.vocabulary, lexicon.weights)
    by_parent, by_grand = member @ of_parents, member @ of_parents @ of_grand
    heads = _head_hints(graph, names, place, lexicon)
    up_heads = _head_hints(graph, parent_names, parents, lexicon)
    top_heads = _head_hints(graph, _titles(graph, grand), grand, lexicon)
    facts = [
        *_walk_facts(walked, member, place),
        *_mean_any(member, heads),
        _mean(member, _hints(own_bag, lexicon)),
        *_mean_any(by_parent, up_heads),
        _mean(by_parent, _hints(up_bag, lexicon)),
        _mean(by_grand, top_heads),
        _hints(title_bag, lexicon),
        _mean_telling(member, heads),
        _mean_telling(by_parent, up_heads),
    ]
    return Evidence((title_bag, pull @ own_bag, pull @ above), np.stack(facts))


def _titles(graph: CategoryGraph, indices: np.ndarray) -> list[str]:
    return graph.titles.take(pa.array(indices)).to_pylist()


def _members(lists: pd.Series) -> tuple[list[str], sp.csr_matrix]:
    """Distinct category names, and which file has which: (n_files, n_names) float32 of 0 and 1."""
    flat = pa.array(lists, pa.list_(pa.string()))
    row = np.repeat(np.arange(len(lists)), flat.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
    encoded = flat.flatten().dictionary_encode()
    names, column = encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)
    return names, _binary(row, column, (len(lists), len(names)))


def _parents(graph: CategoryGraph, place: np.ndarray) -> tuple[np.ndarray, sp.csr_matrix]:
    """Distinct parents (indices in the graph) of the categories at `place` (-1: none), and who has which."""
    known = np.flatnonzero(place >= 0)
    first, last = graph.indptr[place[known]], graph.indptr[place[known] + 1]
    row = np.repeat(known, last - first)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
    found, column = np.unique(graph.parents[np.repeat(first, last - first) + offset], return_inverse=True)
    return found, _binary(row, column, (len(place), len(found)))


def _binary(row: np.ndarray, column: np.ndarray, shape: tuple[int, int]) -> sp.csr_matrix:
    matrix = sp.csr_matrix((np.ones(len(row), dtype=np.float32), (row, column)), shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def _shares(matrix: sp.csr_matrix, least: float) -> sp.csr_matrix:
    """Rows divided by their sum, or by `least` where that is more: weak evidence stays weak."""
    return sp.diags(1 / np.maximum(np.asarray(matrix.sum(1)).ravel(), least)).astype(np.float32) @ matrix


def _head_hints(graph: CategoryGraph, names: list[str], place: np.ndarray, lexicon: Lexicon) -> np.ndarray:
    """Labels that the last word of each lexical head hints at: (n_names, n_labels) float32 of 0 and 1."""
    heads = graph.heads
    form = np.where(place >= 0, heads.of[place], -1)
    last = np.append(heads.last, -1)[form]
    words = heads.forms.take(pa.array(last, mask=last < 0)).to_pylist()
    for i in np.flatnonzero(last < 0):
        words[i] = find_head(names[i]).rsplit(" ", 1)[-1]
    number = np.array([lexicon.vocabulary.get(word.lower(), -1) for word in words], dtype=np.int64)
    hints = np.zeros((len(names), lexicon.hints.shape[1]), dtype=np.float32)
    hints[number >= 0] = lexicon.hints[number[number >= 0]]
    return hints


def _hints(bag: sp.csr_matrix, lexicon: Lexicon) -> np.ndarray:
    return ((bag != 0).astype(np.float32) @ lexicon.hints.astype(np.float32) > 0).astype(np.float32)


def _mean(matrix: sp.csr_matrix, values: np.ndarray) -> np.ndarray:
    total = np.asarray(matrix.sum(1), dtype=np.float32)
    return (matrix @ values / np.maximum(total, 1)).astype(np.float32)


def _mean_any(matrix: sp.csr_matrix, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = _mean(matrix, values)
    return mean, (mean > 0).astype(np.float32)


def _mean_telling(matrix: sp.csr_matrix, values: np.ndarray) -> np.ndarray:
    """The mean over those that hint at any label."""
    telling = values.any(1).astype(np.float32)
    return (matrix @ values / np.maximum(matrix @ telling, 1)[:, None]).astype(np.float32)


def _walk_facts(walked: list[np.ndarray], member: sp.csr_matrix, place: np.ndarray) -> list[np.ndarray]:
    first, second = (np.where(place[:, None] >= 0, w[place], False).astype(np.float32) for w in walked)
    share = _mean_telling(member, first)
    return [(share > 0).astype(np.float32), (member @ second > 0).astype(np.float32), share]
