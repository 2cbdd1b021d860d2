"""Figures of 05_compare: each takes a table, returns a plotly figure."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from wikitopics.show.figures import dots_around_zero, error_bars, new_figure, plain
from wikitopics.show.theme import MUTED, PALETTE, series_style

VERDICTS = {"higher": PALETTE[0], "lower": PALETTE[4], "no difference shown": MUTED}


def runs(table: pd.DataFrame) -> go.Figure:
    """Macro ROC-AUC of every run with its 95 % interval: against its own labels and against people.

    table: run, macro_roc_auc, human_roc_auc and their _low, _high.
    """
    names = [plain(name) for name in table["run"]]
    figure = new_figure(
        "All runs on one test set", x="macro ROC-AUC (bar: 95 % interval)", height=200 + 34 * len(table)
    )
    shown = (("macro_roc_auc", "its own labels"), ("human_roc_auc", "people's labels"))
    for number, (metric, who) in enumerate(shown):
        style = series_style(number)
        places = np.arange(len(table))[::-1] + 0.12 - 0.24 * number
        figure.add_scatter(
            x=table[metric],
            y=places,
            mode="markers",
            name=who,
            hovertext=names,
            error_x=error_bars(table[metric], table[f"{metric}_low"], table[f"{metric}_high"]),
            marker={"color": style["color"], "symbol": style["symbol"], "size": 9},
        )
    figure.add_vline(x=0.5, line={"color": MUTED, "dash": "dot"})
    figure.update_yaxes(tickvals=list(range(len(names)))[::-1], ticktext=names)
    return figure.update_layout(xaxis_range=[0.45, 1.0])


def cells(table: pd.DataFrame, metric: str = "macro_roc_auc") -> go.Figure:
    """Heat map of the grid: label source and number of labels down, backbone across."""
    rows = table["label_source"] + ", " + table["n_labels"].astype(str) + " labels"
    grid = table.assign(row=rows).pivot_table(index="row", columns="backbone", values=metric, sort=False)
    words = metric.replace("_", " ").replace("roc auc", "ROC-AUC")
    figure = new_figure(f"The grid: {words}", x="backbone", y="labels", height=140 + 60 * len(grid))
    figure.add_heatmap(
        z=grid.to_numpy(),
        x=[plain(name) for name in grid.columns],
        y=[plain(name) for name in grid.index],
        text=grid.round(3).astype(str).to_numpy(),
        texttemplate="%{text}",
        colorbar={"title": words},
    )
    return figure.update_yaxes(autorange="reversed")


def differences(table: pd.DataFrame, unit: str) -> go.Figure:
    """Dots with paired 95 % intervals around zero: coloured where a difference is shown, grey where not.

    table: name, difference, low, high, verdict; one row a line, the first on top.
    """
    figure = new_figure(
        "Differences", x=f"difference in {unit} (bar: 95 % interval)", height=160 + 28 * len(table)
    )
    markers = {verdict: {"color": colour} for verdict, colour in VERDICTS.items()}
    return dots_around_zero(figure, table.assign(name=table["name"].map(plain)), markers)


def presence(table: pd.DataFrame) -> go.Figure:
    """A label's number of ImageNet-1k classes against its ROC-AUC, one colour a label source.

    table: source, label, classes, roc_auc. The axis is log(classes + 1), so that none has a place.
    """
    figure = new_figure(
        "Does pre-training show?",
        x="ImageNet-1k classes of the label",
        y="ROC-AUC on test images",
        height=520,
    )
    for number, (source, rows) in enumerate(table.groupby("source", sort=False)):
        style = series_style(number)
        figure.add_scatter(
            x=np.log10(rows["classes"] + 1),
            y=rows["roc_auc"],
            mode="markers+text",
            name=plain(source),
            text=[plain(name).split(".")[-1].rstrip("*") for name in rows["label"]],
            textposition=("top center", "bottom center")[number % 2],
            textfont={"size": 10, "color": style["color"]},
            marker={"color": style["color"], "symbol": style["symbol"], "size": 8},
        )
    ticks = [0, 1, 3, 10, 30, 100, 300]
    figure.update_xaxes(tickvals=np.log10(np.array(ticks) + 1), ticktext=[str(tick) for tick in ticks])
    return figure.update_layout(xaxis_range=[-0.15, 3])
