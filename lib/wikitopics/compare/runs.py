"""The runs that are compared: their settings, their predictions on one common test set, what people said."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wikitopics.artefacts import finished_run, read_json
from wikitopics.errors import UserError
from wikitopics.evaluate import human, intervals, metrics, ranking
from wikitopics.evaluate.context import lineage
from wikitopics.evaluate.predictions import Predictions, read_frozen, read_test

NOT_A_SETTING = {"run", "seed", "interactive"}
PEOPLE = "human roc_auc"


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
    def judged(self) -> human.Judged | None:
        """Human labels of the test images, in this run's vocabulary; None where there are none."""
        return human.read_judged(self.settings["labels"], self.test.frame["title"], self.test.label_names)

    @cached_property
    def people(self) -> np.ndarray:
        """ROC-AUC of the model against people for each label: (L,), NaN where people tell nothing apart."""
        if self.judged is None:
            return np.full(len(self.test.label_names), np.nan)
        return ranking.roc_auc(self.judged.truth, self.test.scores[self.judged.rows])

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
        intervals.group_codes(test.frame["group"]),
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

    own: intervals.Resamples
    people: np.ndarray

    def rounds(self, metric: str) -> np.ndarray:
        """(rounds,) values of a metric named as in EvaluatedRun.value."""
        return metrics.row_means(self.people) if metric == PEOPLE else self.own.overall[metric]


def draw(run: EvaluatedRun, rounds: int, seed: int) -> Draws:
    """Resample the run's test groups. Same rounds and seed: the same groups in every run, round by round."""
    test = run.test
    own = intervals.bootstrap(test.truth, test.scores, run.thresholds, run.groups, rounds=rounds, seed=seed)
    people = np.full((rounds, len(test.label_names)), np.nan)
    known = np.flatnonzero(~np.isnan(run.people))
    if run.judged is not None and len(known):
        scores, codes = test.scores[run.judged.rows], run.groups[run.judged.rows]
        columns = [(run.judged.truth[:, i], scores[:, i], codes) for i in known]
        people[:, known] = intervals.bootstrap_roc_auc(columns, int(run.groups.max()) + 1, rounds, seed)
    return Draws(own, people)
