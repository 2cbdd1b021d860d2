"""How much of a difference may be the seed's: runs that differ in nothing but it."""

import pandas as pd

from wikitopics.compare.differences import settings_that_differ
from wikitopics.compare.runs import EvaluatedRun
from wikitopics.compare.tables import METRICS


def alike(runs: list[EvaluatedRun]) -> list[list[EvaluatedRun]]:
    """Runs in groups with equal settings, the seed apart; groups of one are left out."""
    found: list[list[EvaluatedRun]] = []
    for run in runs:
        group = next((group for group in found if not settings_that_differ(group[0], run)), None)
        found.append([run]) if group is None else group.append(run)
    return [group for group in found if len(group) > 1]


def spread(runs: list[EvaluatedRun]) -> pd.DataFrame:
    """One row for each group of seeds and metric: runs (names), metric, seeds, mean, sd (n - 1), low, high.

    The sd is between trained networks on the same test images; the bootstrap's interval is between test
    images for the same network. A difference smaller than the sd may be the seed's, whatever its interval.
    Empty where no two runs differ by the seed alone.
    """
    rows = []
    for group in alike(runs):
        names = ", ".join(run.name for run in group)
        for metric in METRICS:
            values = pd.Series([run.value(metric) for run in group])
            rows.append((names, metric, len(group), values.mean(), values.std(), values.min(), values.max()))
    table = pd.DataFrame(rows, columns=["runs", "metric", "seeds", "mean", "sd", "low", "high"])
    return table.dropna(subset=["mean"], ignore_index=True)


def sentence(table: pd.DataFrame, metric: str) -> str:
    """What `spread` says of one metric, or that nothing is known."""
    rows = table[table["metric"] == metric]
    if rows.empty:
        return "No two runs differ by their seed alone: how far another seed would move them is not known."
    return (
        f"Over {rows['seeds'].min()} or more seeds the {metric.replace('roc_auc', 'ROC-AUC')} has a standard "
        f"deviation of {rows['sd'].mean():.3f} (mean of {len(rows)} settings): smaller differences may be it."
    )
