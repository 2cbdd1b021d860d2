"""The table of all runs, each value with its interval and with its baseline."""

from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.artefacts import read_table
from wikitopics.compare.runs import PEOPLE, Draws, EvaluatedRun
from wikitopics.evaluate.bootstrap import interval

METRICS = ("macro roc_auc", "micro roc_auc", "macro average_precision", "macro f1", "micro f1", PEOPLE)
PRIMARY = "macro roc_auc"
SHORT = {"roc_auc": "ROC-AUC", "average_precision": "AP", "f1": "F1"}


def column(metric: str) -> str:
    """The metric as a column name: "macro roc_auc" -> "macro_roc_auc"."""
    return metric.replace(" ", "_")


def comparison(runs: list[EvaluatedRun], draws: list[Draws]) -> pd.DataFrame:
    """One row a run with its settings and every metric.

    run, label_source, backbone, n_labels, images, groups, and for each metric its value, _low, _high (95 %,
    over groups) and _prior (the label prior's value; 0.5 against people)."""
    return pd.DataFrame([_row(run, drawn) for run, drawn in zip(runs, draws, strict=True)])


def _row(run: EvaluatedRun, drawn: Draws) -> dict:
    row = {
        "run": run.name,
        "label_source": run.settings["labels"],
        "backbone": run.settings["backbone"],
        "n_labels": len(run.test.label_names),
        "images": len(run.test.truth),
        "groups": int(run.groups.max()) + 1,
    }
    for metric in METRICS:
        name, (low, high) = column(metric), interval(drawn.rounds(metric))
        row |= {name: run.value(metric), f"{name}_low": float(low), f"{name}_high": float(high)}
        row[f"{name}_prior"] = 0.5 if metric == PEOPLE else run.baseline(metric)
    return row


def headline(folder: Path) -> pd.DataFrame:
    """The comparison as it is printed after `make demo`: text cells, the best run of a column marked by *.

    folder: data/05_compare/RUN, with comparison.parquet. Last row: the label prior, its range over the runs.
    """
    table = read_table(Path(folder) / "comparison.parquet")
    shown = pd.DataFrame({"run": table["run"], "labels": table["n_labels"].astype(str)})
    last = {"run": "label prior", "labels": ""}
    for metric in METRICS:
        name = column(metric)
        if table[name].notna().any():
            shown[_title(metric)] = _cells(table, name)
            last[_title(metric)] = _range(table[f"{name}_prior"])
    return pd.concat([shown, pd.DataFrame([last])], ignore_index=True)


def _title(metric: str) -> str:
    average, name = metric.split(" ")
    return f"{average} {SHORT[name]}"


def _cells(table: pd.DataFrame, name: str) -> list[str]:
    best = table[name].max()
    return [
        "-" if np.isnan(value) else f"{value:.3f} [{low:.3f}, {high:.3f}]" + ("*" if value == best else "")
        for value, low, high in zip(table[name], table[f"{name}_low"], table[f"{name}_high"], strict=True)
    ]


def _range(values: pd.Series) -> str:
    low, high = f"{values.min():.3f}", f"{values.max():.3f}"
    return low if low == high else f"{low} to {high}"
