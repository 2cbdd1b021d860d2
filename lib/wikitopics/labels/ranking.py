"""All orders of heuristics against people, in one run."""

from collections.abc import Iterable, Sequence
from itertools import permutations

import pandas as pd

from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.file_labels import label_files
from wikitopics.labels.heuristics import label_categories
from wikitopics.labels.judgement import judge
from wikitopics.labels.learned import label_files as label_files_learned
from wikitopics.labels.learned import load_model
from wikitopics.labels.lineage import label_matrix
from wikitopics.labels.taxonomy import Taxonomy

RULES = ("headJ", "lookahead", "depth")
LEARNED = "commons-learned"


def orders(rules: Iterable[str] = RULES) -> list[str]:
    """Every rule alone and every order of several.

    >>> orders(["head", "depth"])
    ['head', 'depth', 'head+depth', 'depth+head']
    """
    rules = list(rules)
    return ["+".join(order) for size in range(1, len(rules) + 1) for order in permutations(rules, size)]


def candidates(taxonomy: Taxonomy) -> list[str]:
    """All orders of rules, and the trained labeller where it knows the taxonomy."""
    return orders() + [LEARNED] * (taxonomy.label_names == load_model().label_names)


def rank_heuristics(
    graph: CategoryGraph,
    taxonomy: Taxonomy,
    files: pd.DataFrame,
    people: pd.DataFrame,
    label_names: Sequence[str] = (),
    heuristics: Iterable[str] | None = None,
    rounds: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """One row for each order of heuristics: precision, recall, f1 (micro, macro), files without a label.

    files: title, categories; people: title, labels. `label_names`: those that count (all). `heuristics`:
    strings of rules, or "commons-learned"; by default all `candidates`. With `rounds` bootstrap resamples,
    also micro_f1_low and micro_f1_high (95 %).
    """
    names = list(label_names or taxonomy.label_names)
    files = files[files["title"].isin(people["title"])]
    truth = label_matrix(people.set_index("title")["labels"].loc[files["title"]], names)
    rows = []
    for version in heuristics or candidates(taxonomy):
        labels = _labels(graph, taxonomy, version, files)
        table = judge(truth, label_matrix(labels, names), names, rounds, seed)
        averages = table.head(2).set_index("label")[["precision", "recall", "f1"]].stack()
        row = {f"{average}_{measure}": value for (average, measure), value in averages.items()}
        ends = {"micro_f1_low": table["f1_low"][0], "micro_f1_high": table["f1_high"][0]} if rounds else {}
        rows.append({"heuristics": version, **row, **ends, "unlabelled": int((labels.map(len) == 0).sum())})
    return pd.DataFrame(rows).sort_values("micro_f1", ascending=False, ignore_index=True)


def _labels(graph: CategoryGraph, taxonomy: Taxonomy, version: str, files: pd.DataFrame) -> pd.Series:
    if version == LEARNED:
        return label_files_learned(graph, taxonomy, files)["labels"]
    return label_files(label_categories(graph, taxonomy, version), files)["labels"]
