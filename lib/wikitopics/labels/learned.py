"""The label source `commons-learned`: a linear model over words and walks, fitted to people's labels.

A label's logit is a constant, plus a weight for each word of the title, of the categories and of their
parents, plus a weight for each fact of `FACTS`. See learned_model/MODEL.md for what it was
fitted to and how good it is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file
from importlib.resources import files as resources

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from wikitopics.errors import UserError
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.file_labels import labels_table
from wikitopics.labels.heads import find_head
from wikitopics.labels.heuristics import label_categories
from wikitopics.labels.taxonomy import Taxonomy, closed_upwards, descent
from wikitopics.titles import category_key

WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
RARE = 1e-3  # a word of this share of all words weighs half (Arora et al. 2017, smooth inverse frequency)
EXTENSION, LONG_NUMBER = re.compile(r"\.[A-Za-z]{3,4}$"), re.compile(r"\d{5,}")
CAMEL = re.compile(r"([a-z])([A-Z])")
UPKEEP = (  # categories for the upkeep of Commons: who made the file, how, when, how well
    r"photographs? taken on|taken with|^quality images|^featured pictures|^valued images|^photographs by"
    r"|images? (by|from|in need|uploaded)|^pictures by|^photos by|^files |uploaded|wikipedia|wikimedia"
    r"|wiki loves|^media (from|with|contributed)|^content donations|^pages with|^cc-|license|geograph|flickr"
    r"|^self-published|^images of|photographed in|panoramio|by user|^unidentified|^pd |^created with|^svg "
    r"|^png |^uploads|internet archive document|^author died|^artworks with|^check|^collections of|^time \d"
)
DATED = (  # categories of a time rather than of a topic
    r"^(january|february|march|april|may|june|july|august|september|october|november|december|spring|summer"
    r"|autumn|winter)?\s*\d{4}s?( |$)|\b(in|of) \d{4}$|\d{4}s? (photographs|births|deaths|in )"
    r"|^\d+(st|nd|rd|th)-century"
)

WALKS = ("headJ+depth", "lookahead+headJ+depth")
FACTS = (
    *("walked to", "walked to by lookahead", "share of walked categories"),
    *("heads", "any head", "words", "parents' heads", "any parent's head", "parents' words"),
    *("grandparents' heads", "title", "heads that tell", "parents' heads that tell"),
)

BLOCK = 1 << 15  # files looked at together, to bound the memory


# --- Names as bags of known words, for the learned labeller: rare words weigh more, upkeep less


def words_of(name: str) -> list[str]:
    """The words of a name in lower case, without numbers.

    >>> words_of("Women's sports in Turin, 2006")
    ["women's", 'sports', 'in', 'turin']
    """
    return WORD.findall(name.lower())


def file_name(title: str) -> str:
    """A file's title as words: no extension, no long numbers, CamelCase taken apart.

    >>> file_name("RedCat_on_roof-20190501.JPG")
    'Red Cat on roof- '
    """
    name = EXTENSION.sub("", title).replace("_", " ")
    return LONG_NUMBER.sub(" ", CAMEL.sub(r"\1 \2", name))


def category_weights(names: Sequence[str]) -> np.ndarray:
    """How much each category says about the topic: 1, or less for upkeep and dates: (n,) float32.

    >>> category_weights(["Castles in Namur", "May 2013 in Turin"]).astype(str).tolist()
    ['1.0', '0.3']
    """
    texts = pa.array(names, pa.string())
    upkeep, dated = (pc.match_substring_regex(texts, p, ignore_case=True) for p in (UPKEEP, DATED))
    life = pc.match_substring_regex(texts, "births|deaths")
    cases = [column.to_numpy(zero_copy_only=False) for column in (upkeep, life, dated)]
    return np.select(cases, [0.15, 0.6, 0.3], 1.0).astype(np.float32)


def word_weights(counts: np.ndarray) -> np.ndarray:
    """Weight of each word by how often names have it: (n_words,) float32 in (0, 1]."""
    return (RARE / (RARE + counts / counts.sum())).astype(np.float32)


def bags(names: Sequence[str], vocabulary: dict[str, int], weights: np.ndarray) -> sp.csr_matrix:
    """Known words of each name with their weights, rows of length 1: (n_names, n_words) float32."""
    spoken = [words_of(name) for name in names]
    of = np.repeat(np.arange(len(spoken)), [len(words) for words in spoken])
    ids = np.array([vocabulary.get(word, -1) for words in spoken for word in words], dtype=np.int32)
    of, ids = of[ids >= 0], ids[ids >= 0]
    length = np.sqrt(np.bincount(of, weights[ids] ** 2, minlength=len(spoken)))
    bag = sp.csr_matrix((weights[ids] / length[of], (of, ids)), (len(spoken), len(weights)), dtype=np.float32)
    bag.sum_duplicates()
    return bag


# --- What is known of a file before anything is learned: words of its names, and facts for each label


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
    names = [category_key(name) for name in names]
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


@dataclass(frozen=True)
class LearnedModel:
    """The fitted weights.

    label_names: frozen order. words: (3, n_words, n_labels) for title, categories, parents; facts:
    (n_labels, len(FACTS)); constant: (n_labels,); all float32 log odds. threshold: common to all labels.
    """

    label_names: tuple[str, ...]
    lexicon: Lexicon
    words: np.ndarray
    facts: np.ndarray
    constant: np.ndarray
    threshold: float

    def logits(self, evidence: Evidence) -> np.ndarray:
        """Log odds of every label: (n_files, n_labels) float32."""
        spoken = sum(bag @ table for bag, table in zip(evidence.words, self.words, strict=True))
        known = sum(fact * weight for fact, weight in zip(evidence.facts, self.facts.T, strict=True))
        return self.constant + spoken + known


@cache
def load_model() -> LearnedModel:
    """The model that comes with the library (no pickle in it)."""
    with (
        as_file(resources("wikitopics.labels") / "learned_model" / "model.npz") as path,
        np.load(path, allow_pickle=False) as file,
    ):
        names = file["vocabulary"].tolist()
        vocabulary = {name: number for number, name in enumerate(names)}
        lexicon = Lexicon(vocabulary, word_weights(file["counts"]), file["hints"])
        if tuple(file["fact_names"].tolist()) != FACTS:
            raise UserError("the learned model must have the facts of this version; train it again")
        return LearnedModel(
            tuple(file["label_names"].tolist()),
            lexicon,
            file["words"].astype(np.float32),
            file["facts"],
            file["constant"],
            float(file["threshold"]),
        )


def label_files(graph: CategoryGraph, taxonomy: Taxonomy, files: pd.DataFrame) -> pd.DataFrame:
    """The labels table of `files` (title, categories): title, labels, scores, evidence; one row per file.

    Labels are those with a score at or above the model's threshold, closed upward. A score is the fitted
    probability that people would give the label, in [0, 1]. `evidence`: how many categories the file has.
    Raises UserError for a taxonomy that the model was not fitted to.
    """
    model = load_model()
    if taxonomy.label_names != model.label_names:
        raise UserError(
            f"commons-learned knows the taxonomy v1.4 only, but it is {taxonomy.name}; choose v1.4"
        )
    walked = walks(graph, taxonomy)
    blocks = [files.iloc[i : i + BLOCK] for i in range(0, len(files), BLOCK)]
    scores = [_decode(model, taxonomy, gather(graph, walked, block, model.lexicon)) for block in blocks]
    kept = np.concatenate(scores) if scores else np.zeros((0, len(model.label_names)), np.float32)
    table = labels_table(files["title"], kept, model.label_names)
    return table.assign(evidence=files["categories"].map(len).to_numpy(np.int32))


def _decode(model: LearnedModel, taxonomy: Taxonomy, evidence: Evidence) -> np.ndarray:
    scores = coherent(1 / (1 + np.exp(-model.logits(evidence))), taxonomy)
    return np.where(scores >= model.threshold, scores, 0)


def coherent(scores: np.ndarray, taxonomy: Taxonomy) -> np.ndarray:
    """Scores where no label has less than any label below it: (n, n_labels) float32.

    With them `score >= threshold` is closed upward whatever the threshold.
    """
    return closed_upwards(scores.astype(np.float32), descent(taxonomy.label_names, taxonomy.parents))
