"""Differences between runs that differ in exactly one setting, or in their seed alone."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from wikitopics.compare.runs import NOT_A_SETTING, PEOPLE, Draws, EvaluatedRun
from wikitopics.compare.tables import METRICS, PRIMARY
from wikitopics.evaluate import metrics
from wikitopics.evaluate.bootstrap import interval, p_value

COMPARED = {
    PRIMARY: "roc_auc",
    "macro average_precision": "average_precision",
    "macro f1": "f1",
    PEOPLE: PEOPLE,
}
COLUMNS = ["setting", "from_run", "to_run", "from_value", "to_value", "metric", "labels", "n_labels"]
COLUMNS += ["first", "second", "difference", "low", "high", "p", "p_holm", "verdict"]
LEVEL = 0.05


def settings_that_differ(first: EvaluatedRun, other: EvaluatedRun) -> list[str]:
    """Names of the 03_train parameters in which two runs differ (the seed and the name do not count)."""
    names = (first.settings.keys() | other.settings.keys()) - NOT_A_SETTING
    return sorted(name for name in names if first.settings.get(name) != other.settings.get(name))


def pairs(runs: list[EvaluatedRun]) -> Iterator[tuple[int, int, str]]:
    """Indices of two runs and the one setting in which they differ, the one with the smaller value first."""
    for first, other in combinations(range(len(runs)), 2):
        differ = settings_that_differ(runs[first], runs[other])
        if len(differ) == 1:
            smaller, larger = sorted((first, other), key=lambda number: _size(runs[number], differ[0]))
            yield smaller, larger, differ[0]


def _size(run: EvaluatedRun, setting: str) -> tuple:
    """What puts two values of a setting in order: numbers before texts; labels_top 0 means all labels."""
    value = len(run.test.label_names) if setting == "labels_top" else run.settings.get(setting)
    number = isinstance(value, int | float)
    return (not number, value if number else str(value))


def differences(runs: list[EvaluatedRun], draws: list[Draws]) -> pd.DataFrame:
    """One row for each pair of runs and metric: setting, from_run, to_run, from_value, to_value (of the
    setting), metric, labels ("shared" or "own"), n_labels, first, second (values of the metric), difference
    (second - first), low, high (95 %, paired), p, p_holm (over the rows of that metric), verdict.
    """
    rows = [
        _names(runs[first], runs[other], setting) | _compare(runs, draws, first, other, metric)
        for first, other, setting in pairs(runs)
        for metric in COMPARED
    ]
    table = pd.DataFrame(rows, columns=COLUMNS[:-2]).dropna(subset=["difference"], ignore_index=True)
    table["p_holm"] = table.groupby("metric")["p"].transform(holm)
    table["verdict"] = [verdict(*row) for row in zip(table["difference"], table["p_holm"], strict=True)]
    return table


def _names(first: EvaluatedRun, other: EvaluatedRun, setting: str) -> dict[str, str]:
    ends = {"from_value": first.settings.get(setting), "to_value": other.settings.get(setting)}
    found = {"setting": setting, "from_run": first.name, "to_run": other.name} | ends
    return {key: str(value) for key, value in found.items()}


def _compare(runs: list[EvaluatedRun], draws: list[Draws], first: int, other: int, metric: str) -> dict:
    shared = shared_labels(runs[first], runs[other])
    sides = macro_pair(runs[first], draws[first], runs[other], draws[other], COMPARED[metric])
    return {
        "metric": metric,
        "labels": "shared" if shared else "own",
        "n_labels": len(shared or runs[first].test.label_names),
        **paired(*sides),
    }


def macro_pair(
    first: EvaluatedRun, drawn: Draws, other: EvaluatedRun, redrawn: Draws, name: str = "roc_auc"
) -> tuple[tuple[float, np.ndarray], tuple[float, np.ndarray]]:
    """The macro metric of both runs over the labels they share (each over its own where they share none):
    value and (rounds,) of each."""
    shared = shared_labels(first, other)
    return _macro(first, drawn, name, shared), _macro(other, redrawn, name, shared)


def shared_labels(first: EvaluatedRun, other: EvaluatedRun) -> list[str]:
    """Labels that both runs give, if both learned them from the same label source; else none."""
    if first.settings["labels"] != other.settings["labels"]:
        return []
    return [name for name in first.test.label_names if name in other.test.label_names]


def _macro(run: EvaluatedRun, drawn: Draws, name: str, labels: list[str]) -> tuple[float, np.ndarray]:
    """The metric's mean over some labels (all where the list is empty): its value and (rounds,)."""
    names = run.test.label_names
    columns = [names.index(label) for label in labels or names]
    if name == PEOPLE:
        values, rounds = run.people, drawn.people
    else:
        table = metrics.per_label(run.test.truth, run.test.scores, run.thresholds, names)
        values, rounds = table[name].to_numpy(), drawn.own.per_label[name]
    return metrics.nanmean(values[columns]), metrics.row_means(rounds[:, columns])


def paired(first: tuple[float, np.ndarray], second: tuple[float, np.ndarray]) -> dict[str, float]:
    """Two values compared: first, second, difference (second - first), low, high, p; from their (rounds,)."""
    rounds = second[1] - first[1]
    low, high = interval(rounds)
    found = {"first": first[0], "second": second[0], "difference": second[0] - first[0]}
    return found | {"low": float(low), "high": float(high), "p": p_value(rounds)}


def holm(p_values: pd.Series | np.ndarray) -> np.ndarray:
    """p-values corrected for their number by Holm's step-down (Holm 1979); NaN stays NaN and does not count.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3)
    array([0.03, 0.06, 0.06])
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p_values)[: (~np.isnan(p_values)).sum()]
    corrected = np.full(len(p_values), np.nan)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1)))
    return corrected


def verdict(difference: float, p_holm: float) -> str:
    """ "higher" or "lower" where the corrected p-value is below 0.05, else "no difference shown"."""
    if np.isnan(p_holm):
        return "not defined"
    return "no difference shown" if p_holm >= LEVEL else "higher" if difference > 0 else "lower"


def equal_but_for_seed(runs: list[EvaluatedRun]) -> list[list[EvaluatedRun]]:
    """Runs in groups with equal settings, the seed apart; groups of one are left out."""
    found: list[list[EvaluatedRun]] = []
    for run in runs:
        group = next((group for group in found if not settings_that_differ(group[0], run)), None)
        found.append([run]) if group is None else group.append(run)
    return [group for group in found if len(group) > 1]


def seed_spread(runs: list[EvaluatedRun]) -> pd.DataFrame:
    """One row for each group of seeds and metric: runs (names), metric, seeds, mean, sd (n - 1), low, high.

    The sd is between trained networks on the same test images; the bootstrap's interval is between test
    images for the same network. A difference smaller than the sd may be the seed's, whatever its interval.
    Empty where no two runs differ by the seed alone.
    """
    rows = []
    for group in equal_but_for_seed(runs):
        names = ", ".join(run.name for run in group)
        for metric in METRICS:
            values = pd.Series([run.value(metric) for run in group])
            rows.append((names, metric, len(group), values.mean(), values.std(), values.min(), values.max()))
    table = pd.DataFrame(rows, columns=["runs", "metric", "seeds", "mean", "sd", "low", "high"])
    return table.dropna(subset=["mean"], ignore_index=True)


def seed_sentence(table: pd.DataFrame, metric: str) -> str:
    """What `spread` says of one metric, or that nothing is known."""
    rows = table[table["metric"] == metric]
    if rows.empty:
        return "No two runs differ by their seed alone: how far another seed would move them is not known."
    return (
        f"Over {rows['seeds'].min()} or more seeds the {metric.replace('roc_auc', 'ROC-AUC')} has a standard "
        f"deviation of {rows['sd'].mean():.3f} (mean of {len(rows)} settings): smaller differences may be it."
    )
