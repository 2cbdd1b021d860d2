"""Labels and people: whom to ask about what, how far they agree, and how well labels meet theirs."""

from collections.abc import Iterable, Sequence
from itertools import combinations, permutations

import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.deep.forms import FAST, LEARNED, learned_labels
from wikitopics.labels.file_labels import label_files
from wikitopics.labels.heuristics import label_categories
from wikitopics.labels.labelled import Labelled
from wikitopics.labels.learned import load_model
from wikitopics.labels.taxonomy import Taxonomy, label_matrix
from wikitopics.sources.files import need_columns

SUMMARIES = ("micro", "macro")

COLUMNS = ["title", "annotator", "labels"]

RULES = ("headJ", "lookahead", "depth")


def against_people(labelled: Labelled, people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Truth and labels of the files that people judged, in their order: two (n, n_labels) uint8 matrices."""
    said = labelled.labels.set_index("title")["labels"]
    people = people[people["title"].isin(said.index)]
    names = labelled.label_names
    return label_matrix(people["labels"], names), label_matrix(said.loc[people["title"]], names)


def judge(
    truth: np.ndarray, said: np.ndarray, label_names: list[str], rounds: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """One row for micro, macro and each label: label, people, said, precision, recall, f1, f1_low, f1_high.

    truth, said: (n, n_labels) {0, 1}. Macro is the mean over labels that people gave at all; f1_low and
    f1_high hold 95 % of `rounds` bootstrap resamples of the files (percentiles).
    """
    counts = _counts(truth, said, np.ones((1, len(truth)), dtype=np.float32))[:, 0]
    drawn = _f1s(_counts(truth, said, _weights(len(truth), rounds, seed)), truth.sum(axis=0) > 0)
    low, high = _interval(drawn)
    rows = _rows(counts, truth.sum(axis=0) > 0)
    return pd.DataFrame(
        {"label": [*SUMMARIES, *label_names], **rows, "f1_low": low, "f1_high": high},
    )


def _interval(drawn: np.ndarray) -> np.ndarray:
    """2.5 and 97.5 percentile of each column, NaN where a column has no value at all: (2, k)."""
    some = ~np.isnan(drawn).all(axis=0)
    ends = np.full((2, drawn.shape[1]), np.nan)
    if len(drawn):
        ends[:, some] = np.nanpercentile(drawn[:, some], [2.5, 97.5], axis=0)
    return ends


def _weights(n: int, rounds: int, seed: int) -> np.ndarray:
    """How often each file is drawn in each resample: (rounds, n) float32."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=rounds).astype(np.float32)


def _counts(truth: np.ndarray, said: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Right, said and true of every label in every resample: (3, rounds, n_labels) float32."""
    both = truth.astype(np.float32) * said
    return np.stack([weights @ part.astype(np.float32) for part in (both, said, truth)])


def _f1s(counts: np.ndarray, given: np.ndarray) -> np.ndarray:
    """F1: micro, macro over the `given` labels, each label; (rounds, 2 + n_labels)."""
    right, said, true = counts
    with np.errstate(invalid="ignore"):
        each = 2 * right / (said + true)
    total = counts.sum(axis=2)
    micro = 2 * total[0] / np.maximum(total[1] + total[2], 1)
    macro = np.nan_to_num(each[:, given]).mean(axis=1)
    return np.column_stack([micro, macro, each])


def _rows(counts: np.ndarray, given: np.ndarray) -> dict[str, np.ndarray]:
    right, said, true = counts
    with np.errstate(invalid="ignore", divide="ignore"):
        each = {"precision": right / said, "recall": right / true, "f1": 2 * right / (said + true)}
        total = counts.sum(axis=1)
        micro = {
            "precision": total[0] / total[1],
            "recall": total[0] / total[2],
            "f1": 2 * total[0] / total[1:].sum(),
        }
    macro = {name: np.nan_to_num(values[given]).mean() for name, values in each.items()}
    rows = {name: np.concatenate([[micro[name], macro[name]], values]) for name, values in each.items()}
    sizes = {"people": true, "said": said}
    return {name: np.concatenate([[v.sum()] * 2, v]).astype(int) for name, v in sizes.items()} | rows


def check_annotations(annotations: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """The judgements (title, annotator, labels): closed upward, the last where a file was judged twice.

    No label at all is a judgement too ("none of these"). Raises UserError for a missing column and for a
    label that the taxonomy does not have.
    """
    need_columns("annotations", annotations.columns, COLUMNS)
    table = annotations[COLUMNS].drop_duplicates(["title", "annotator"], keep="last")
    return table.assign(labels=table["labels"].map(taxonomy.close)).reset_index(drop=True)


def majority(annotations: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """The labels that more than half of a file's annotators gave: title, labels; in order of first mention.

    >>> from wikitopics.labels.taxonomy import load
    >>> table = pd.DataFrame({"title": ["a"] * 3, "annotator": [1, 2, 3],
    ...                       "labels": [["Food"], ["Food", "Art"], []]})
    >>> majority(table, load("v1.4"))["labels"].tolist()
    [['Culture', 'Food']]
    """
    table = check_annotations(annotations, taxonomy)
    votes = label_matrix(table["labels"], taxonomy.label_names)
    file, titles = pd.factorize(table["title"])
    given = _sums(votes, file)
    most = given * 2 > np.bincount(file)[:, None]
    names = np.array(taxonomy.label_names, dtype=object)
    return pd.DataFrame({"title": titles, "labels": [names[row].tolist() for row in most]})


def agreement(annotations: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """One row for micro, macro and each label: label, files, f1, fleiss_kappa, krippendorff_alpha.

    Of files that two people or more judged. f1: pairwise, over all pairs of judgements of a file, which is
    what one person's F1 against another is. Fleiss (1971) with the number of raters of each file;
    Krippendorff's nominal alpha (2004, chapter 11). Macro is the mean over labels that anybody gave; micro
    pools the pairs of all labels. NaN where everybody always says the same, so that chance has no meaning.
    """
    table = check_annotations(annotations, taxonomy)
    table = table[table.groupby("title")["annotator"].transform("size") > 1]
    votes = label_matrix(table["labels"], taxonomy.label_names)
    file = pd.factorize(table["title"])[0]
    right, given = _pairs(votes, file)
    each = {
        "f1": _ratio(2 * right, given),
        "fleiss_kappa": fleiss_kappa(votes, file),
        "krippendorff_alpha": krippendorff_alpha(votes, file),
    }
    some = votes.any(axis=0)
    micro = {"f1": _ratio(2 * right.sum(), given.sum()), "fleiss_kappa": np.nan, "krippendorff_alpha": np.nan}
    macro = {name: pd.Series(values[some]).mean() for name, values in each.items()}  # NaN of NaNs, unsaid
    files = [file.max(initial=-1) + 1] * 2 + list((_sums(votes, file) > 0).sum(axis=0))
    rows = {name: [micro[name], macro[name], *values] for name, values in each.items()}
    return pd.DataFrame({"label": ["micro", "macro", *taxonomy.label_names], "files": files, **rows})


def fleiss_kappa(votes: np.ndarray, file: np.ndarray) -> np.ndarray:
    """Kappa of each label: (n_labels,).

    votes: (judgements, n_labels) {0, 1}; file: (judgements,) number of the file judged, from 0.

    Two files, three raters: all say yes to the first, nobody to the second.

    >>> fleiss_kappa(np.array([[1], [1], [1], [0], [0], [0]]), np.array([0, 0, 0, 1, 1, 1]))
    array([1.])
    """
    raters = np.bincount(file)[:, None].astype(float)
    yes = _sums(votes, file)
    same = (yes * (yes - 1) + (raters - yes) * (raters - yes - 1)) / (raters * (raters - 1))
    share = yes.sum(axis=0) / raters.sum()
    chance = share**2 + (1 - share) ** 2
    return _ratio(same.mean(axis=0) - chance, 1 - chance)


def krippendorff_alpha(votes: np.ndarray, file: np.ndarray) -> np.ndarray:
    """Nominal alpha of each label: 1 - observed / expected disagreement; shapes as in `fleiss_kappa`."""
    raters = np.bincount(file)[:, None].astype(float)
    yes = _sums(votes, file)
    observed = (2 * yes * (raters - yes) / (raters - 1)).sum(axis=0)
    total, ones = raters.sum(), yes.sum(axis=0)
    expected = 2 * ones * (total - ones) / (total - 1)
    return 1 - _ratio(observed, expected)


def _pairs(votes: np.ndarray, file: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Over all pairs of a file: labels that both gave, and those of both counted singly; two (n_labels,)."""
    right, given = np.zeros(votes.shape[1]), np.zeros(votes.shape[1])
    for number in range(file.max(initial=-1) + 1):
        for one, other in combinations(votes[file == number].astype(int), 2):
            right += one * other
            given += one + other
    return right, given


def _sums(votes: np.ndarray, file: np.ndarray) -> np.ndarray:
    total = np.zeros((file.max(initial=-1) + 1, votes.shape[1]))
    np.add.at(total, file, votes)
    return total


def _ratio(above, below):
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.asarray(below) != 0, np.asarray(above) / below, np.nan)[()]


def orders(rules: Iterable[str] = RULES) -> list[str]:
    """Every rule alone and every order of several.

    >>> orders(["head", "depth"])
    ['head', 'depth', 'head+depth', 'depth+head']
    """
    rules = list(rules)
    return ["+".join(order) for size in range(1, len(rules) + 1) for order in permutations(rules, size)]


def candidates(taxonomy: Taxonomy) -> list[str]:
    """All orders of rules, and the trained labeller where it knows the taxonomy."""
    return orders() + [FAST] * (taxonomy.label_names == load_model().label_names)


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
    strings of rules, or the name of a learned form; by default all `candidates`. With `rounds` bootstrap
    resamples, also micro_f1_low and micro_f1_high (95 %).
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
    if version in LEARNED:
        return learned_labels(version, graph, taxonomy, files)["labels"]
    return label_files(label_categories(graph, taxonomy, version), files)["labels"]


def uniform_sample(labelled: Labelled, n: int, seed: int) -> pd.Series:
    """Titles of `n` files drawn at random: the only sample whose figures speak for all files."""
    titles = labelled.labels["title"]
    _enough(n, len(titles))
    return titles.iloc[np.sort(np.random.default_rng(seed).choice(len(titles), n, replace=False))]


def uncertain_sample(labelled: Labelled, n: int, seed: int) -> pd.Series:
    """Titles of `n` files drawn with chances in proportion to how unsure their labels are.

    A file is as unsure as its least sure label: the binary entropy of the score, in bits, at least 0.01 so
    that every file can be drawn. Drawn without replacement (Efraimidis & Spirakis 2006).
    """
    titles = labelled.labels["title"]
    _enough(n, len(titles))
    unsure = np.array([entropy(scores).max(initial=0.01) for scores in labelled.labels["scores"]])
    keys = np.log(np.random.default_rng(seed).random(len(unsure))) / unsure
    return titles.iloc[np.sort(np.argsort(-keys)[:n])]


def entropy(scores: np.ndarray) -> np.ndarray:
    """Binary entropy of probabilities, in bits.

    >>> entropy(np.array([0.0, 0.5, 1.0])).tolist()
    [0.0, 1.0, 0.0]
    """
    p = np.clip(np.asarray(scores, dtype=float), 1e-12, 1 - 1e-12)
    return np.round(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)), 9)


def _enough(n: int, there: int) -> None:
    if not 0 < n <= there:
        raise UserError(f"a sample must have from 1 to {there:,} files, but is to have {n:,}; choose fewer")
