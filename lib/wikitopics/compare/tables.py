"""The table of all cells, each value with both its intervals, its spread over seeds and its baseline."""

from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.artefacts import read_table
from wikitopics.compare.runs import PEOPLE, Cell, Draws, network_of, overall
from wikitopics.evaluate import metrics
from wikitopics.evaluate.intervals import AP, metric_interval

METRICS = ("macro roc_auc", "micro roc_auc", "macro average_precision", "macro f1", "micro f1", PEOPLE)
PRIMARY = "macro roc_auc"
SHORT = {"roc_auc": "ROC-AUC", "average_precision": "AP", "f1": "F1"}
FEW = "(too few positives)"


def column(metric: str) -> str:
    """The metric as a column name: "macro roc_auc" -> "macro_roc_auc"."""
    return metric.replace(" ", "_")


def comparison(cells: list[Cell], draws: list[Draws]) -> pd.DataFrame:
    """One row a cell with its settings and every metric, the mean over its networks.

    run, label_source, backbone, image_size (0 with given features), n_labels, images, groups, seeds (their
    number), by_names (whether the labels' names are the head, which has no seed), people_f1 (micro F1 of the
    label source against people), and for each metric its value, _low, _high (95 %, other images and other
    networks), _low_images, _high_images (other images alone), _sd (over seeds) and _prior (the label prior's
    value; 0.5 against people). With one seed both are of images alone; NaN is "too few positives".
    """
    return pd.DataFrame([_row(cell, drawn) for cell, drawn in zip(cells, draws, strict=True)])


def _row(cell: Cell, drawn: Draws) -> dict:
    row = {
        "run": cell.name,
        "label_source": cell.settings["labels"],
        "backbone": network_of(cell),
        "image_size": 0 if cell.settings.get("features") else cell.settings.get("image_size", 0),
        "n_labels": len(cell.test.label_names),
        "images": len(cell.test.truth),
        "groups": int(cell.groups.max()) + 1,
        "seeds": len(cell.networks),
        "by_names": cell.by_names,
        "people_f1": _source_against_people(cell),
    }
    for metric in METRICS:
        row |= {f"{column(metric)}{end}": value for end, value in _measured(cell, drawn, metric).items()}
    return row


def _measured(cell: Cell, drawn: Draws, metric: str) -> dict[str, float]:
    """A metric's value and what stands beside it, by the end of the column's name."""
    found, positives, values = overall(cell, drawn, metric), cell.positives(metric), cell.values(metric)
    centre = metrics.nanmean(cell.others) if metric == f"macro {AP}" else None
    low, high = metric_interval(
        metric, found.value, found.both, positives, centre, found.degrees() if found.seeds > 1 else None
    )
    low_images, high_images = metric_interval(metric, found.value, found.images, positives, centre)
    return {
        "": found.value,
        "_low": float(low),
        "_high": float(high),
        "_low_images": float(low_images),
        "_high_images": float(high_images),
        "_sd": float(np.std(values, ddof=1)) if len(values) > 1 else float("nan"),
        "_prior": 0.5 if metric == PEOPLE else cell.baseline(metric),
    }


def _source_against_people(cell: Cell) -> float:
    rows = cell.metrics.get("human") or []
    found = [row["value"] for row in rows if (row["who"], row["metric"]) == ("label source", "micro f1")]
    return float("nan") if not found or found[0] is None else found[0]


def headline(folder: Path) -> pd.DataFrame:
    """The comparison as it is printed after `make demo`: text cells, the best run of a column marked by *.

    folder: data/05_compare/RUN, with comparison.parquet. In brackets stands the interval on other images and
    with other networks; of the first metric the one on other images alone and the spread over seeds have
    columns of their own. Last row: the label prior, its range over the runs.
    """
    table = read_table(Path(folder) / "comparison.parquet")
    shown = pd.DataFrame({name: table[old].astype(str) for name, old in _FIRST.items()})
    last = {"run": "label prior", "labels": "", "seeds": ""}
    for metric in METRICS:
        name = column(metric)
        if table[name].notna().any():
            shown[_title(metric)] = _cells(table, name)
            last[_title(metric)] = _range(table[f"{name}_prior"])
        if metric == PRIMARY:
            ends = zip(table[f"{name}_low_images"], table[f"{name}_high_images"], strict=True)
            shown["images alone"] = [_interval(low, high) for low, high in ends]
            shown["sd over seeds"] = ["-" if np.isnan(sd) else f"{sd:.3f}" for sd in table[f"{name}_sd"]]
            last |= {"images alone": "", "sd over seeds": ""}
    return pd.concat([shown, pd.DataFrame([last])], ignore_index=True)


_FIRST = {"run": "run", "labels": "n_labels", "seeds": "seeds"}


def _title(metric: str) -> str:
    average, name = metric.split(" ")
    return f"{average} {SHORT[name]}"


def _cells(table: pd.DataFrame, name: str) -> list[str]:
    best = table[name].max()
    return [
        "-" if np.isnan(value) else f"{value:.3f} {_interval(low, high)}" + ("*" if value == best else "")
        for value, low, high in zip(table[name], table[f"{name}_low"], table[f"{name}_high"], strict=True)
    ]


def _interval(low: float, high: float) -> str:
    return FEW if np.isnan(low) else f"[{low:.3f}, {high:.3f}]"


def _range(values: pd.Series) -> str:
    low, high = f"{values.min():.3f}", f"{values.max():.3f}"
    return low if low == high else f"{low} to {high}"
