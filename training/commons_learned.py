"""Train the label source commons-learned, and say by nested cross-validation how good it is.

    python training/commons_learned.py --words words.npz [--taught taught.parquet] [--seeds 3] [--curve]

Reads the category graph and people's labels from the folder WIKITOPICS_COMMONS_GRAPH, and word vectors that
training/word_vectors.py wrote. Writes model.npz beside MODEL.md in the library, and scores.json here.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import pandas as pd
from fitting import Fitted, fit
from given import commons_graph, word_vectors
from validation import choose_threshold, f1, figures, folds, groups_of, nested, out_of_fold, written

from wikitopics.artefacts import replacing, write_json
from wikitopics.labels import taxonomy as taxonomies
from wikitopics.labels.category_graph import open_graph
from wikitopics.labels.learned import FACTS, Evidence, Lexicon, coherent, gather, walks, word_weights

HERE = Path(__file__).parent
MODEL = HERE.parent / "lib" / "wikitopics" / "labels" / "learned_model"
DIMENSIONS = 192  # of the word vectors
KEPT = 300  # principal directions of the bags of words
VIEWS = (0.7, 1.0, 1.0)  # title, categories, parents
HUMAN_WEIGHT = 2.0  # of a file that people labelled, where one that a language model read counts 1
IS_HUMAN = 1.5  # value of the column that lets people's base rates differ


def read_lexicon(vocabulary: list[str], counts: np.ndarray, taxonomy) -> Lexicon:
    number = {word: i for i, word in enumerate(vocabulary)}
    hints = np.zeros((len(vocabulary), len(taxonomy.label_names)), dtype=np.uint8)
    with open(HERE / "lexicon.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            columns = [taxonomy.label_names.index(name) for name in taxonomy.close([row["label"]])]
            for word in row["words"].split():
                if word in number:
                    hints[number[word], columns] = 1
    return Lexicon(number, word_weights(counts), hints)


def read_silver(folder: Path, taxonomy) -> tuple[pd.DataFrame, np.ndarray]:
    """Files that a language model labelled by title and categories: soft truth, 1 sure, 0.5 doubtful."""
    silver = pd.read_csv(HERE / "silver.csv", keep_default_na=False)
    logged = pd.read_parquet(folder / "files.parquet").drop_duplicates("id").set_index("id")
    truth = np.zeros((len(silver), len(taxonomy.label_names)))
    for column, value in (("doubtful", 0.5), ("labels", 1.0)):
        for row, names in enumerate(silver[column]):
            named = taxonomy.close(filter(None, names.split("|")))
            truth[row, [taxonomy.label_names.index(n) for n in named]] = value
    return logged.loc[silver["id"], ["title", "categories"]].reset_index(drop=True), truth


def directions(vectors: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Word vectors, centred by frequency, on their first principal directions, of mean length 1."""
    vectors = vectors.astype(np.float32)
    vectors = vectors - (vectors * counts[:, None]).sum(0) / counts.sum()
    _, _, axes = np.linalg.svd(vectors[counts >= 3], full_matrices=False)
    short = vectors @ axes[:DIMENSIONS].T
    return short / np.sqrt((short**2).sum(1).mean())


class Data:
    """Everything that fitting needs; people's files first, then silver."""

    def __init__(self, folder: Path, words: Path):
        self.taxonomy = taxonomies.load("v1.4")
        with np.load(words, allow_pickle=False) as file:
            self.vocabulary, self.counts = file["vocabulary"].tolist(), file["counts"]
            self.vectors = directions(file["vectors"], self.counts)
        self.lexicon = read_lexicon(self.vocabulary, self.counts, self.taxonomy)
        self.human = pd.read_parquet(folder / "human_validation.parquet")
        silver, silver_truth = read_silver(folder, self.taxonomy)
        labels = self.human["labels"].map(set)
        self.truth = np.array([[n in s for n in self.taxonomy.label_names] for s in labels])
        self.graph = open_graph(folder)
        self.files = pd.concat([self.human[["title", "categories"]], silver], ignore_index=True)
        evidence = gather(self.graph, walks(self.graph, self.taxonomy), self.files, self.lexicon)
        self.n = len(self.human)
        self.facts = evidence.facts.transpose(1, 2, 0).astype(np.float64)
        self.soft = np.vstack([self.truth, silver_truth])
        self.x, self.mean, self.axes = self._compress(evidence)
        self.group = groups_of(self.human)

    def learn_from(self, taught: pd.DataFrame) -> None:
        """Take what teacher.py wrote: silver labels become means with its chances, other files are added."""
        chances, of = np.stack(taught["chances"]), taught["silver"].to_numpy()
        rows = self.n + of[of >= 0]
        self.soft[rows] = (self.soft[rows] + chances[of >= 0]) / 2
        others = taught[of < 0]
        evidence = gather(self.graph, walks(self.graph, self.taxonomy), others, self.lexicon)
        self.facts = np.concatenate([self.facts, evidence.facts.transpose(1, 2, 0)])
        self.soft = np.vstack([self.soft, chances[of < 0]])
        self.x = np.vstack([self.x, self.compressed(evidence)])

    def meanings(self, evidence: Evidence) -> list[np.ndarray]:
        """Vectors of title, own categories and parents: three (n, d) arrays. Here means of word vectors."""
        return [bag @ self.vectors for bag in evidence.words]

    def _views(self, evidence: Evidence) -> np.ndarray:
        return np.hstack([w * view for w, view in zip(VIEWS, self.meanings(evidence), strict=True)])

    def compressed(self, evidence: Evidence) -> np.ndarray:
        """Words of other files on the same directions: (n, KEPT)."""
        return (self._views(evidence) - self.mean) @ self.axes

    def _compress(self, evidence: Evidence):
        bags = self._views(evidence)
        mean = bags.mean(0)
        values, axes = np.linalg.eigh(((bags - mean).T @ (bags - mean)).astype(np.float64))
        axes = axes[:, np.argsort(-values)[:KEPT]]
        return (bags - mean) @ axes, mean, axes

    def fitted(self, people: np.ndarray, silver: bool = True):
        extra = np.arange(self.n, len(self.x)) if silver else np.arange(0)
        rows = np.concatenate([people, extra])
        human = rows < self.n
        x = np.hstack([self.x[rows], IS_HUMAN * human[:, None]])
        return fit(x, self.facts[rows], self.soft[rows], np.where(human, HUMAN_WEIGHT, 1.0))

    def by_word(self, found: Fitted) -> tuple[np.ndarray, np.ndarray]:
        """Weights of each word (3, n_words, L) and the constant (L,), for files that no person labelled."""
        through = self.axes @ found.words[: self.axes.shape[1]]
        parts = np.split(through, 3)
        tables = [w * (self.vectors @ part) for w, part in zip(VIEWS, parts, strict=True)]
        return np.array(tables), found.constant - self.mean @ through

    def fit(self, people: np.ndarray, silver: bool = True):
        found = self.fitted(people, silver)

        def predict(rows: np.ndarray) -> np.ndarray:
            x = np.hstack([self.x[rows], np.full((len(rows), 1), IS_HUMAN)])
            return coherent(1 / (1 + np.exp(-found.logits(x, self.facts[rows]))), self.taxonomy)

        return predict


def report(data: Data, seeds: int, curve: bool) -> dict:
    """Figures of nested cross-validation on people's files."""
    variants = {"shipped": data.fit, "without silver labels": lambda rows: data.fit(rows, silver=False)}
    scores = figures(variants, data.truth, data.group, seeds)
    walked = data.facts[: data.n, :, 0] > 0
    scores["headJ+depth"] = written(f1(data.truth, walked))
    if curve:
        sizes = (40, 80, 160, None)
        found = {size or data.n: nested(data.fit, data.truth, data.group, 0, size) for size in sizes}
        scores["curve"] = {str(size): written(f1(data.truth, p)) for size, p in found.items()}
    return scores


def on_silver(data: Data, k: int = 4) -> np.ndarray:
    """Micro and macro F1 against silver labels of files left out, fitted to the other silver files alone.

    More files than people's, so that two forms of the model can be told apart; nothing was chosen by it.
    """
    rows = np.arange(data.n, len(data.x))
    fold = np.random.default_rng(0).integers(0, k, len(rows))
    scores = np.zeros((len(rows), data.truth.shape[1]))
    for out in range(k):
        train, test = rows[fold != out], rows[fold == out]
        found = fit(data.x[train], data.facts[train], data.soft[train], np.ones(len(train)))
        logits = found.logits(data.x[test], data.facts[test])
        scores[fold == out] = coherent(1 / (1 + np.exp(-logits)), data.taxonomy)
    truth = data.soft[rows] == 1
    return f1(truth, scores >= choose_threshold(scores, truth))


def write_model(data: Data) -> None:
    """Fit to everything, choose the threshold out of fold, and fold the compression into a weight a word."""
    rows = np.arange(data.n)
    scores = out_of_fold(data.fit, rows, folds(data.group, 10, np.random.default_rng(0)))
    found = data.fitted(rows)
    tables, constant = data.by_word(found)
    with replacing(MODEL / "model.npz") as temporary, open(temporary, "wb") as file:
        np.savez_compressed(
            file,
            label_names=np.array(data.taxonomy.label_names),
            fact_names=np.array(FACTS),
            vocabulary=np.array(data.vocabulary),
            counts=data.counts.astype(np.int32),
            hints=data.lexicon.hints,
            words=tables.astype(np.float16),
            facts=found.facts.astype(np.float32),
            constant=(constant + IS_HUMAN * found.words[-1]).astype(np.float32),
            threshold=choose_threshold(scores, data.truth),
        )


def main() -> None:
    """Train, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=Path, required=True)
    parser.add_argument("--taught", type=Path, help="what the deep form says, from teacher.py")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--curve", action="store_true")
    options = parser.parse_args()
    data = Data(commons_graph(parser), word_vectors(parser, options.words))
    agreement = on_silver(data)
    if options.taught:
        data.learn_from(pd.read_parquet(options.taught))
    write_model(data)
    print(f"{(MODEL / 'model.npz').stat().st_size / 1e6:.1f} MB", flush=True)
    scores = report(data, options.seeds, options.curve)
    write_json(HERE / "scores.json", scores | {"on silver labels": written(agreement)})


if __name__ == "__main__":
    main()
