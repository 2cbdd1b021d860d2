"""Two label sources with different vocabularies, judged by people on what both can say."""

import numpy as np

from wikitopics.compare.runs import EvaluatedRun
from wikitopics.evaluate import intervals, metrics, ranking
from wikitopics.evaluate.human import Judged
from wikitopics.labels.taxonomy import bridge

Side = tuple[float, np.ndarray]  # a value, and its (rounds,)
Column = tuple[np.ndarray, np.ndarray, np.ndarray]  # truth, scores and groups of the same images


def shared_names(first: EvaluatedRun, other: EvaluatedRun) -> list[tuple[str, str]]:
    """(label of `first`, label of `other`) that mean nearly the same: by the bridge between the taxonomies,
    in either direction, or by name where both use one taxonomy."""
    known = [(label, topic) for label, topic, _ in bridge()]
    if first.taxonomy == other.taxonomy:
        known = [(name, name) for name in first.test.label_names]
    elif (first.taxonomy, other.taxonomy) == ("ores-64", "v1.4"):
        known = [(topic, label) for label, topic in known]
    elif (first.taxonomy, other.taxonomy) != ("v1.4", "ores-64"):
        return []
    ours, theirs = set(first.test.label_names), set(other.test.label_names)
    return [(a, b) for a, b in known if a in ours and b in theirs]


def sides(first: EvaluatedRun, other: EvaluatedRun, rounds: int, seed: int) -> tuple[Side, Side] | None:
    """Macro ROC-AUC of both runs against people over their shared labels: value and (rounds,) of each.

    For each pair of names only images count that people judged in both vocabularies with the same verdict.
    None where no pair has a positive and a negative image among them.
    """
    compared = [columns(first, other, *names) for names in shared_names(first, other)]
    found = [pair for pair in compared if pair is not None]
    if not found:
        return None
    n_groups = int(first.groups.max()) + 1
    mine, its = ([pair[end] for pair in found] for end in (0, 1))
    return _macro(mine, n_groups, rounds, seed), _macro(its, n_groups, rounds, seed)


def columns(first: EvaluatedRun, other: EvaluatedRun, ours: str, theirs: str) -> tuple[Column, Column] | None:
    """(truth, scores, groups) of both runs for a pair of names, same images; None if it tells nothing."""
    if first.judged is None or other.judged is None:
        return None
    says = _people(first.judged, first.test.label_names.index(ours))
    also = _people(other.judged, other.test.label_names.index(theirs))
    agreed = (says >= 0) & (says == also)
    truth = says[agreed]
    if not len(truth) or truth.min() == truth.max():
        return None
    score, its_score = (
        run.test.scores[agreed, run.test.label_names.index(name)]
        for run, name in ((first, ours), (other, theirs))
    )
    groups = first.groups[agreed]
    return (truth, score, groups), (truth, its_score, groups)


def _people(judged: Judged, label: int) -> np.ndarray:
    """What people say of every test image: 1 yes, 0 no, -1 not judged."""
    says = np.full(len(judged.rows), -1, dtype=np.int8)
    says[judged.rows] = judged.truth[:, label]
    return says


def _macro(found: list[Column], n_groups: int, rounds: int, seed: int) -> Side:
    values = [ranking.roc_auc(truth[:, None], scores[:, None])[0] for truth, scores, _ in found]
    drawn = intervals.bootstrap_roc_auc(found, n_groups, rounds, seed)
    return metrics.nanmean(np.array(values)), metrics.row_means(drawn)
