"""Figures of 04_evaluate: each takes a table, returns a plotly figure."""

import pandas as pd
import plotly.graph_objects as go

from wikitopics.show.figures import INK, MUTED, PALETTE, error_bars, new_figure, plain, series_style

MEASURED = {"roc_auc": "ROC-AUC", "average_precision": "Average precision", "f1": "F1"}
MEASURES = ("precision", "recall", "f1")
TIGHT = 12  # labels above which a line's name is left to the hover text


def precision_recall_f1(per_label: pd.DataFrame) -> go.Figure:
    """Bars of precision, recall and F1 for each label; a dash marks the F1 of saying yes to every image."""
    table = per_label.sort_values("f1", ascending=False, na_position="last")
    names = [plain(label) for label in table["label"]]
    figure = new_figure(
        "Precision, recall and F1 of each label", x="label", y="score on test images (0 to 1)"
    )
    for number, measure in enumerate(MEASURES):
        figure.add_bar(x=names, y=table[measure], name=measure, marker_color=PALETTE[number])
    figure.add_scatter(
        x=names,
        y=table["f1_always"],
        mode="markers",
        name="F1 of always yes",
        marker={"symbol": "diamond", "color": INK, "size": 8},
    )
    return figure.update_layout(barmode="group", yaxis_range=[0, 1.02])


def with_baseline(per_label: pd.DataFrame, metric: str, baseline: str | float) -> go.Figure:
    """One dot and 95 % interval a label for `metric` (with _low/_high), and what a constant answer gets.

    `baseline` is a column of the table or a number; `metric`, its _low and _high are columns.
    """
    table = per_label.sort_values(metric, na_position="first")
    names = [plain(label) for label in table["label"]]
    words = MEASURED[metric]
    height = 160 + 22 * len(table)
    figure = new_figure(f"{words} of each label", x=f"{words} (0 to 1), bar: 95 % interval", height=height)
    chance = table[baseline] if isinstance(baseline, str) else [baseline] * len(table)
    figure.add_scatter(
        x=chance,
        y=names,
        mode="markers",
        name="constant answer",
        marker={"symbol": "diamond", "color": MUTED},
    )
    figure.add_scatter(
        x=table[metric],
        y=names,
        mode="markers",
        name="model",
        error_x=error_bars(table[metric], table[f"{metric}_low"], table[f"{metric}_high"]),
        marker={"color": PALETTE[0], "size": 9},
        customdata=table["support"],
        hovertemplate="%{y}: %{x:.3f} (%{customdata} images)<extra></extra>",
    )
    return figure.update_layout(xaxis_range=[0, 1.02])


def curves(table: pd.DataFrame, kind: str) -> go.Figure:
    """ROC (`kind` "roc") or precision-recall ("pr") curves: a thin line a label, a black one for all."""
    titles = {
        "roc": ("ROC curves", "false positive rate (0 to 1)", "true positive rate (0 to 1)"),
        "pr": ("Precision-recall curves", "recall (0 to 1)", "precision (0 to 1)"),
    }
    title, x, y = titles[kind]
    figure = new_figure(title, x=x, y=y, height=520)
    shown = table[table["curve"] == kind]
    labels = [label for label in shown["label"].unique() if label != "micro"]
    for number, label in enumerate(labels):
        style = series_style(number)
        line = {"color": style["color"], "dash": style["dash"], "width": 1.4}
        _line(figure, shown[shown["label"] == label], label, line, len(labels) <= TIGHT)
    if kind == "roc":
        _diagonal(figure, "chance")
    _line(figure, shown[shown["label"] == "micro"], "all pairs (micro)", {"color": INK, "width": 3}, True)
    return figure.update_layout(xaxis_range=[-0.01, 1.01], yaxis_range=[0, 1.02])


def _diagonal(figure: go.Figure, name: str) -> None:
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", name=name, line={"color": MUTED, "dash": "dot"})


def _line(figure: go.Figure, points: pd.DataFrame, label: str, line: dict, legend: bool) -> None:
    figure.add_scatter(
        x=points["x"].astype("float32"),
        y=points["y"].astype("float32"),
        mode="lines",
        name=plain(label),
        line=line,
        showlegend=legend,
        customdata=points["threshold"].astype("float32"),
        hovertemplate=plain(label) + ": (%{x:.3f}, %{y:.3f}) at threshold %{customdata:.3f}<extra></extra>",
    )


def reliability(tables: dict[str, pd.DataFrame]) -> go.Figure:
    """Reliability curves by name (calibration.reliability's columns) beside the diagonal of honest scores."""
    figure = new_figure(
        "Calibration: what a score is worth",
        x="mean score in the bin (0 to 1)",
        y="share of positives in the bin (0 to 1)",
    )
    _diagonal(figure, "honest")
    for number, (name, table) in enumerate(tables.items()):
        style = series_style(number)
        figure.add_scatter(
            x=table["score"],
            y=table["share"],
            mode="lines+markers",
            name=plain(name),
            line={"color": style["color"], "dash": style["dash"]},
            marker={"symbol": style["symbol"], "size": 8},
            text=table["count"],
            hovertemplate="%{text} scores around %{x:.2f}: %{y:.2f} positive<extra></extra>",
        )
    return figure.update_layout(xaxis_range=[0, 1], yaxis_range=[0, 1])
