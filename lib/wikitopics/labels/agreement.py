"""How far people agree with each other: the ceiling of what any label source can reach, and the majority."""

from itertools import combinations

import numpy as np
import pandas as pd

from wikitopics.labels.lineage import label_matrix
from wikitopics.labels.taxonomy import Taxonomy
from wikitopics.sources.files import need_columns

COLUMNS = ["title", "annotator", "labels"]


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
    macro = {name: np.nanmean(values[some]) if some.any() else np.nan for name, values in each.items()}
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
