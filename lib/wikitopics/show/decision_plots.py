"""Figures about decisions in 04_evaluate: thresholds, numbers of labels, mistakes."""

import pandas as pd
import plotly.graph_objects as go

from wikitopics.show.figures import MUTED, PALETTE, new_figure, plain


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


def mistakes_by_label(table: pd.DataFrame) -> go.Figure:
    """Stacked bars: false positives and false negatives of each label, most mistakes first."""
    order = [plain(label) for label in table["label"].value_counts().index]
    figure = new_figure("Mistakes of each label", x="label", y="wrong (image, label) pairs")
    for number, kind in enumerate(("false positive", "false negative")):
        count = (
            table.loc[table["kind"] == kind, "label"].map(plain).value_counts().reindex(order, fill_value=0)
        )
        figure.add_bar(x=order, y=count, name=kind, marker_color=PALETTE[1 - number])
    return figure.update_layout(barmode="stack")
