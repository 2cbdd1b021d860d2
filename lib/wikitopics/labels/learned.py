"""The label source `commons-learned`: a linear model over words and walks, fitted to people's labels.

A label's logit is a constant, plus a weight for each word of the title, of the categories and of their
parents, plus a weight for each fact of `learned_evidence.FACTS`. See learned_model/MODEL.md for what it was
fitted to and how good it is.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file
from importlib.resources import files as resources

import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.file_labels import labels_table
from wikitopics.labels.learned_evidence import FACTS, Evidence, Lexicon, gather, walks
from wikitopics.labels.learned_words import word_weights
from wikitopics.labels.lineage import closed_upwards, descent
from wikitopics.labels.taxonomy import Taxonomy

BLOCK = 1 << 15  # files looked at together, to bound the memory


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
