"""Every figure function of the laboratory on small tables, with names of the caller's choice."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from wikitopics.show import (
    comparison_figures,
    evaluation_figures,
    image_figures,
    label_figures,
    map_figures,
    score_figures,
    training_figures,
)
from wikitopics.show.figures import funnel

Names = Sequence[str]


def rising(names: Names, *columns: str, **more) -> pd.DataFrame:
    """A row a name; each column rises from 0.2 to 0.8, between `_low` and `_high` columns 0.1 away."""
    values = np.linspace(0.2, 0.8, len(names))
    table = pd.DataFrame({"label": list(names)} | more)
    for column in columns:
        table = table.assign(
            **{column: values, f"{column}_low": values - 0.1, f"{column}_high": values + 0.1}
        )
    return table


def counts(names: Names) -> pd.DataFrame:
    """01's labels by files; the second label lies below the first."""
    files = np.arange(len(names), 0, -1)
    parents = ["", names[0], *[""] * len(names)][: len(names)]
    return rising(names, "mean_score", files=files, alone=files, parent=parents)


def steps(names: Names) -> list[dict]:
    """What is left after each step."""
    return [{"step": name, "files": 100 - i} for i, name in enumerate(names)]


def square(names: Names) -> pd.DataFrame:
    """Shares of each pair of names."""
    return pd.DataFrame(np.linspace(0, 1, len(names) ** 2).reshape(len(names), -1), list(names), list(names))


def hops(names: Names) -> pd.DataFrame:
    """One path that visits every name and ends in the label called like the first."""
    path = list(dict.fromkeys(["start", *names, "end"]))
    return pd.DataFrame(
        {"label": [names[0]], "path": [path], "rules": [["depth"] * (len(path) - 1)], "anchor": ["end"]}
    )


def curve_points(names: Names) -> pd.DataFrame:
    """Two points of a curve for each name and for all pairs."""
    points = [(name, "roc", x, x, 0.5) for name in [*names, "micro"] for x in (0.0, 1.0)]
    return pd.DataFrame(points, columns=["label", "curve", "x", "y", "threshold"])


def grid(names: Names) -> pd.DataFrame:
    """Every group of that name with every label of that name."""
    pairs = pd.MultiIndex.from_product([names, names], names=["group", "label"]).to_frame(index=False)
    verdicts = np.resize(["lacks", "has more", "no difference shown"], len(pairs))
    return pairs.assign(
        pictures=9, difference=0.1, difference_low=0.05, difference_high=0.2, verdict=verdicts
    )


def runs(names: Names) -> pd.DataFrame:
    """Runs, label sources and backbones of those names."""
    table = rising(names, "macro_roc_auc", "human_roc_auc").rename(columns={"label": "run"})
    return table.assign(label_source=list(names), backbone=list(names), n_labels=10)


def differ(names: Names) -> pd.DataFrame:
    """Differences of those names."""
    verdicts = np.resize(["higher", "lower", "no difference shown"], len(names))
    return pd.DataFrame({"name": names, "difference": 0.1, "low": -0.1, "high": 0.2, "verdict": verdicts})


def shares(names: Names) -> pd.DataFrame:
    """06's topics."""
    columns = {"counted": 3, "counted_share": 0.3, "share": 0.35, "low": 0.3, "high": 0.5, "people": 0.4}
    return pd.DataFrame({"label": list(names)} | columns)


def score_table(names: Names) -> pd.DataFrame:
    """04's measures of each label."""
    return rising(names, "precision", "recall", "f1", "roc_auc", f1_always=0.3, support=9)


FIGURES: dict[str, Callable[[Names], go.Figure]] = {
    "label_plots.taxonomy_tree": lambda names: label_figures.taxonomy_tree(counts(names)),
    "label_plots.label_counts": lambda names: label_figures.label_counts(counts(names)),
    "label_plots.co_occurrence": lambda names: label_figures.co_occurrence(square(names)),
    "label_plots.labels_per_file": lambda names: label_figures.labels_per_file(
        pd.DataFrame({"labels": range(len(names)), "files": 3})
    ),
    "figures.funnel": lambda names: funnel(steps(names), "Files left"),
    "label_plots.why": lambda names: label_figures.why(hops(names)),
    "agreement_plots.agreement_with_people": lambda names: label_figures.agreement_with_people(
        score_table(names).assign(people=5), 0.7
    ),
    "agreement_plots.ranking": lambda names: label_figures.ranking(
        rising(names, "micro_f1", "macro_f1", heuristics=list(names)), 0.7
    ),
    "failure_plots.confusion": lambda names: evaluation_figures.confusion(square(names)),
    "failure_plots.abstention": lambda names: evaluation_figures.abstention(
        pd.DataFrame({"coverage": [0.5, 1.0], "micro_f1": [0.9, 0.7]})
    ),
    "failure_plots.slices": lambda names: evaluation_figures.slices(
        pd.DataFrame({"slice": names, "images": 1234, "micro_f1": 0.6, "low": 0.5, "high": 0.7})
    ),
    "image_plots.reasons": lambda names: image_figures.reasons(
        pd.DataFrame({"reason": names, "files": range(1, len(names) + 1)})
    ),
    "image_plots.formats": lambda names: image_figures.formats(
        pd.DataFrame({"format": names, "mode": names})
    ),
    "image_plots.sizes": lambda names: image_figures.sizes(
        pd.DataFrame({"width": [40, 900], "height": [30, 9]})
    ),
    "image_plots.split_shares": lambda names: image_figures.split_shares(
        pd.DataFrame({"label": names, "images": range(1, len(names) + 1), "train_share": 0.7}), {"train": 0.6}
    ),
    "training_plots.label_counts": lambda names: training_figures.label_counts(
        pd.DataFrame({"label": names, "train": 5, "validation": 2})
    ),
    "training_plots.history": lambda names: training_figures.history(
        pd.DataFrame({"seed": [0, 0, 1, 1], "epoch": [1, 2, 1, 2]}).assign(
            loss=0.3, val_loss=0.4, val_macro_pr_auc=0.5, val_micro_pr_auc=0.6
        ),
        best=2,
        prevalence=0.1,
    ),
    "decision_plots.thresholds": lambda names: evaluation_figures.thresholds(
        pd.DataFrame({"label": names, "positives": 7, "own": 0.4, "common": 0.5, "threshold": 0.45})
    ),
    "decision_plots.labels_per_image": lambda names: evaluation_figures.labels_per_image(
        pd.DataFrame({"labels": [0, 1], "true": [3, 4], "predicted": [2, 5]})
    ),
    "decision_plots.mistakes_by_label": lambda names: evaluation_figures.mistakes_by_label(
        pd.DataFrame({"label": names, "kind": "false positive"})
    ),
    "evaluation_plots.precision_recall_f1": lambda names: evaluation_figures.precision_recall_f1(
        score_table(names)
    ),
    "evaluation_plots.with_baseline": lambda names: evaluation_figures.with_baseline(
        score_table(names), "roc_auc", 0.5
    ),
    "evaluation_plots.curves": lambda names: evaluation_figures.curves(curve_points(names), "roc"),
    "evaluation_plots.reliability": lambda names: evaluation_figures.reliability(
        {
            name: pd.DataFrame({"bin": [1, 9], "score": [0.1, 0.9], "share": [0.2, 0.8], "count": [5, 6]})
            for name in names
        }
    ),
    "people_plots.against_people": lambda names: evaluation_figures.against_people(
        pd.DataFrame({"who": names, "metric": "micro f1", "value": 0.6, "low": 0.5, "high": 0.7}), 0.8
    ),
    "map_plots.picture_map": lambda names: map_figures.picture_map(
        np.arange(2 * len(names)).reshape(-1, 2), names, names, "Map", names[:1]
    ),
    "comparison_plots.runs": lambda names: comparison_figures.runs(runs(names)),
    "comparison_plots.cells": lambda names: comparison_figures.cells(runs(names)),
    "comparison_plots.differences": lambda names: comparison_figures.differences(differ(names), "F1"),
    "comparison_plots.presence": lambda names: comparison_figures.presence(
        pd.DataFrame({"source": names, "label": names, "classes": 3, "roc_auc": 0.8})
    ),
    "comparison_plots.learning_curves": lambda names: comparison_figures.learning_curves(
        pd.DataFrame(
            {
                "run": names,
                "backbone": names,
                "label_source": names,
                "asked": "10",
                "labels": 10.0,
                "value": 0.5,
                "low": 0.4,
                "high": 0.6,
                "prior": 0.2,
            }  # fmt: skip
        )
    ),
    "score_plots.topic_shares": lambda names: score_figures.topic_shares(shares(names)),
    "score_plots.against_people": lambda names: score_figures.against_people(shares(names)),
    "score_plots.sureness": lambda names: score_figures.sureness(np.linspace(0, 1, 50), 0.6),
    "group_plots.by_group": lambda names: score_figures.by_group(grid(names)),
    "group_plots.lacking": lambda names: score_figures.lacking(grid(names)),
}
