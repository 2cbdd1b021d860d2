"""Figures of 04_evaluate: each takes a table, returns a plotly figure."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from wikitopics.evaluate.map import Mapped
from wikitopics.show.figures import error_bars, new_figure, opens, plain
from wikitopics.show.long_names import room_below
from wikitopics.show.map_figures import picture_map
from wikitopics.show.theme import DASHES, INK, MEANING, MUTED, PALETTE, series_style

MEASURED = {"roc_auc": "ROC-AUC", "average_precision": "Average precision", "f1": "F1"}
MEASURES = ("precision", "recall", "f1")
NAMED = 3  # best and worst labels whose curves have a colour and a name
FAINT = "#C3CAD1"  # the other curves


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
    """ROC (`kind` "roc") or precision-recall ("pr") curves: black for all pairs, one a label, grey but for
    the three with the largest and the three with the smallest area, which are named."""
    titles = {
        "roc": (
            "ROC curves, best (blue) and worst (orange) labels named",
            "false positive rate (0 to 1)",
            "true positive rate (0 to 1)",
        ),
        "pr": (
            "Precision and recall, best (blue) and worst (orange) labels named",
            "recall (0 to 1)",
            "precision (0 to 1)",
        ),
    }
    title, x, y = titles[kind]
    figure = new_figure(title, x=x, y=y, height=520)
    shown = dict(list(table[table["curve"] == kind].groupby("label", sort=False)))
    micro = shown.pop("micro", None)
    ranked = sorted(shown, key=lambda label: -np.trapezoid(shown[label]["y"], shown[label]["x"]))
    best, worst = ranked[:NAMED], ranked[NAMED:][-NAMED:]
    for label in ranked[len(best) : len(ranked) - len(worst)]:
        _line(figure, shown[label], label, {"color": FAINT, "width": 1}, False)
    for names, colour in ((best, PALETTE[0]), (worst, PALETTE[1])):
        for label, dash in zip(names, DASHES, strict=False):
            line = {"color": colour, "dash": dash, "width": 1.8}
            _line(figure, shown[label], label, line, True)
    if kind == "roc":
        _diagonal(figure, "chance")
    if micro is not None:
        _line(figure, micro, "all pairs (micro)", {"color": INK, "width": 3}, True)
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
    figure.update_layout(xaxis_range=[0, 1], yaxis_range=[0, 1])
    first = next(iter(tables.values()), pd.DataFrame(columns=["bin"]))
    return opens(figure, "bin", [str(number) for number in first["bin"]])


# --- Figures about decisions in 04_evaluate: thresholds, numbers of labels, mistakes


def thresholds(table: pd.DataFrame) -> go.Figure:
    """How thresholds were chosen: own optimum, common one and the one used, by positives in validation.

    table: label, positives, own, common (as from thresholds.how_chosen) and threshold (the one used).
    """
    table = table.sort_values("positives")
    names = [
        f"{plain(label)} ({count})" for label, count in zip(table["label"], table["positives"], strict=True)
    ]
    figure = new_figure(
        "Thresholds, chosen on the validation images",
        x="threshold (score, 0 to 1)",
        y="label (positive validation images)",
        height=160 + 22 * len(table),
    )
    marks = (("own", "own F1 optimum", "circle-open", MUTED), ("threshold", "used", "circle", PALETTE[0]))
    figure.add_scatter(
        x=table["common"],
        y=names,
        mode="lines",
        name="common to all",
        line={"color": PALETTE[1], "dash": "dash"},
    )
    for column, name, symbol, colour in marks:
        marker = {"symbol": symbol, "color": colour, "size": 9}
        figure.add_scatter(x=table[column], y=names, mode="markers", name=name, marker=marker)
    return figure.update_layout(xaxis_range=[0, 1])


def labels_per_image(table: pd.DataFrame) -> go.Figure:
    """Bars: how many test images have 0, 1, 2 ... labels, in truth and as predicted."""
    figure = new_figure("Labels per image", x="labels of an image", y="test images")
    for number, column in enumerate(("true", "predicted")):
        figure.add_bar(x=table["labels"], y=table[column], name=column, marker_color=PALETTE[number])
    return figure.update_layout(barmode="group")


def mistakes_map(on_map: Mapped) -> go.Figure:
    """The images on a map, marked by the kind of mistake; near each other is what is alike to the network."""
    kinds = on_map.colourings["mistake"]
    return picture_map(on_map.places, kinds, on_map.titles, "Map of test images", on_map.soft)


def mistakes_by_label(table: pd.DataFrame) -> go.Figure:
    """Stacked bars: false positives and false negatives of each label, most mistakes first."""
    order = [plain(label) for label in table["label"].value_counts().index]
    figure = new_figure("Mistakes of each label", x="label", y="wrong (image, label) pairs")
    for kind in ("false positive", "false negative"):
        count = (
            table.loc[table["kind"] == kind, "label"].map(plain).value_counts().reindex(order, fill_value=0)
        )
        figure.add_bar(x=order, y=count, name=kind, marker_color=MEANING[kind])
    return opens(figure.update_layout(barmode="stack"), "mistakes", table["label"].value_counts().index)


# --- Figures about failure in 04_evaluate: what is taken for what, where, and what silence would buy


def confusion(shares: pd.DataFrame) -> go.Figure:
    """Heat map of a multi-label confusion matrix, shares of its rows: true labels down, predicted across."""
    height = max(260 + 17 * len(shares), 200 + room_below(shares.columns))
    figure = new_figure("What is taken for what", x="predicted label", y="true label", height=height)
    figure.add_heatmap(
        z=shares.to_numpy().round(3),
        x=[plain(name) for name in shares.columns],
        y=[plain(name) for name in shares.index],
        zmin=0,
        zmax=1,
        colorbar={"title": "share of the row"},
    )
    figure.update_yaxes(autorange="reversed").update_xaxes(tickangle=-90)
    return opens(figure, "confusion", shares.index, shares.columns)


def abstention(curve: pd.DataFrame) -> go.Figure:
    """Line: micro-F1 on the surest images against their share, beside silence at random."""
    figure = new_figure(
        "If it may stay silent", x="share of images answered (0 to 1)", y="micro-F1 on those (0 to 1)"
    )
    level = curve["micro_f1"].iloc[-1]
    figure.add_scatter(
        x=[0, 1],
        y=[level, level],
        mode="lines",
        name="silent at random",
        line={"color": MUTED, "dash": "dot"},
    )
    figure.add_scatter(
        x=curve["coverage"],
        y=curve["micro_f1"],
        mode="lines+markers",
        name="silent where unsure",
        line={"color": PALETTE[0]},
    )
    return figure.update_layout(xaxis_range=[0, 1.02], yaxis_range=[0, 1.02])


def slices(table: pd.DataFrame) -> go.Figure:
    """Dots with 95 % intervals: micro-F1 on parts of the test set; the dotted line is all images."""
    rows = table.iloc[::-1]
    figure = new_figure(
        "Where does it fail?", x="micro-F1 (0 to 1), bar: 95 % interval", height=160 + 28 * len(rows)
    )
    figure.add_scatter(
        x=rows["micro_f1"],
        y=[f"{plain(name)} ({count:,})" for name, count in zip(rows["slice"], rows["images"], strict=True)],
        mode="markers",
        error_x=error_bars(rows["micro_f1"], rows["low"], rows["high"]),
        marker={"color": PALETTE[0], "size": 9},
        showlegend=False,
    )
    figure.add_vline(x=table["micro_f1"].iloc[0], line={"color": MUTED, "dash": "dot"})
    return opens(figure.update_layout(xaxis_range=[0, 1.02]), "slice", rows["slice"])


def against_people(table: pd.DataFrame, ceiling: float | None = None) -> go.Figure:
    """Dots with 95 % intervals: each view (model, source, both, prior) on each metric.

    `ceiling`: the micro F1 of one person against another, a short line where micro F1 stands.
    """
    figure = new_figure("Against human labels", x="metric", y="value (0 to 1), bar: 95 % interval")
    for number, (who, rows) in enumerate(table.groupby("who", sort=False)):
        style = series_style(number)
        places = [position + 0.14 * (number - 1.5) for position in range(len(rows))]
        figure.add_scatter(
            x=places,
            y=rows["value"],
            mode="markers",
            name=plain(who),
            error_y=error_bars(rows["value"], rows["low"], rows["high"]),
            marker={"color": style["color"], "symbol": style["symbol"], "size": 9},
        )
    names = list(table["metric"].unique())
    if ceiling is not None and "micro f1" in names:
        place = names.index("micro f1")
        line = {"color": MUTED, "dash": "dash"}
        figure.add_scatter(
            x=[place - 0.4, place + 0.4], y=[ceiling] * 2, mode="lines", name="two people", line=line
        )
    figure.update_xaxes(tickvals=list(range(len(names))), ticktext=[name.replace("_", " ") for name in names])
    return figure.update_layout(yaxis_range=[0, 1.02])
