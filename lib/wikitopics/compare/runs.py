"""The runs that are compared: settings, predictions on one test set, what people said of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wikitopics.artefacts import finished_run, read_json
from wikitopics.errors import UserError
from wikitopics.evaluate import bootstrap, metrics
from wikitopics.evaluate.people import Judged, read_judged
from wikitopics.evaluate.predictions import Predictions, lineage, read_frozen, read_test
from wikitopics.labels.taxonomy import bridge

NOT_A_SETTING = {"run", "seed", "interactive"}
PEOPLE = "human roc_auc"

Side = tuple[float, np.ndarray]  # a value, and its (rounds,)
Column = tuple[np.ndarray, np.ndarray, np.ndarray]  # truth, scores and groups of the same images


@dataclass(frozen=True)
class EvaluatedRun:
    """One 04_evaluate run. Rows of `test` are sorted by title, so that all runs have the same rows.

    settings: parameters of the 03_train run; metrics: metrics.json; groups: (n,) int codes.
    """

    name: str
    settings: dict[str, Any]
    taxonomy: str
    test: Predictions
    thresholds: np.ndarray
    groups: np.ndarray
    metrics: dict[str, Any]

    @cached_property
    def judged(self) -> Judged | None:
        """Human labels of the test images, in this run's vocabulary; None where there are none."""
        return read_judged(self.settings["labels"], self.test.frame["title"], self.test.label_names)

    @cached_property
    def people(self) -> np.ndarray:
        """ROC-AUC of the model against people for each label: (L,), NaN where people tell nothing apart."""
        if self.judged is None:
            return np.full(len(self.test.label_names), np.nan)
        return metrics.roc_auc(self.judged.truth, self.test.scores[self.judged.rows])

    def value(self, metric: str) -> float:
        """A metric as 04_evaluate wrote it; "human roc_auc" is the model's macro ROC-AUC against people."""
        if metric == PEOPLE:
            return metrics.nanmean(self.people)
        found = [row["value"] for row in self.metrics["overall"] if row["metric"] == metric]
        return float("nan") if not found or found[0] is None else found[0]

    def baseline(self, metric: str) -> float:
        """The label prior's value of a metric."""
        found = [row["label prior"] for row in self.metrics["overall"] if row["metric"] == metric]
        return float("nan") if not found or found[0] is None else found[0]


def read_runs(evaluations: list[str]) -> list[EvaluatedRun]:
    """The finished 04_evaluate runs, in the given order.

    Raises UserError where two runs were not judged on the same test images with the same groups.
    """
    runs = [read_run(name) for name in evaluations]
    for run in runs[1:]:
        _check_common(runs[0], run)
    return runs


def read_run(evaluation: str) -> EvaluatedRun:
    """One finished 04_evaluate run, its test predictions behind the thresholds it froze."""
    folder = finished_run("04_evaluate", evaluation)
    found = read_json(folder / "metrics.json")
    frozen = read_frozen(folder)
    test = read_test(found["model"], frozen)
    test = test.rows(np.argsort(test.frame["title"].to_numpy(), kind="stable"))
    return EvaluatedRun(
        evaluation,
        lineage(found["model"]),
        read_json(finished_run("03_train", found["model"]) / "label_names.json").get("taxonomy", ""),
        test,
        frozen.thresholds,
        bootstrap.group_codes(test.frame["group"]),
        found,
    )


def _check_common(first: EvaluatedRun, other: EvaluatedRun) -> None:
    ours, theirs = set(first.test.frame["title"]), set(other.test.frame["title"])
    if ours != theirs:
        raise UserError(
            f"all runs must be judged on the same test images, but {len(ours - theirs)} of {first.name!r} "
            f"and {len(theirs - ours)} of {other.name!r} are not in both; make both from one run of 02_images"
        )
    if not np.array_equal(first.groups, other.groups):
        raise UserError(
            f"all runs must have the same groups of duplicates, but {first.name!r} and {other.name!r} "
            "differ; make both from one run of 02_images"
        )


@dataclass(frozen=True)
class Draws:
    """A run's metrics in every round: against its labels, and ROC-AUC against people (rounds, L)."""

    own: bootstrap.Resamples
    people: np.ndarray

    def rounds(self, metric: str) -> np.ndarray:
        """(rounds,) values of a metric named as in EvaluatedRun.value."""
        return metrics.row_means(self.people) if metric == PEOPLE else self.own.overall[metric]


def draw(run: EvaluatedRun, rounds: int, seed: int) -> Draws:
    """Resample the run's test groups. Same rounds and seed: the same groups in every run, round by round."""
    test = run.test
    own = bootstrap.bootstrap(test.truth, test.scores, run.thresholds, run.groups, rounds=rounds, seed=seed)
    people = np.full((rounds, len(test.label_names)), np.nan)
    known = np.flatnonzero(~np.isnan(run.people))
    if run.judged is not None and len(known):
        scores, codes = test.scores[run.judged.rows], run.groups[run.judged.rows]
        columns = [(run.judged.truth[:, i], scores[:, i], codes) for i in known]
        people[:, known] = bootstrap.bootstrap_roc_auc(columns, int(run.groups.max()) + 1, rounds, seed)
    return Draws(own, people)


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
    compared = [shared_columns(first, other, *names) for names in shared_names(first, other)]
    found = [pair for pair in compared if pair is not None]
    if not found:
        return None
    n_groups = int(first.groups.max()) + 1
    mine, its = ([pair[end] for pair in found] for end in (0, 1))
    return _macro(mine, n_groups, rounds, seed), _macro(its, n_groups, rounds, seed)


def shared_columns(
    first: EvaluatedRun, other: EvaluatedRun, ours: str, theirs: str
) -> tuple[Column, Column] | None:
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
    values = [metrics.roc_auc(truth[:, None], scores[:, None])[0] for truth, scores, _ in found]
    drawn = bootstrap.bootstrap_roc_auc(found, n_groups, rounds, seed)
    return metrics.nanmean(np.array(values)), metrics.row_means(drawn)
