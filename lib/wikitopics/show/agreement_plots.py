"""Figures of 01_labels about people: how far they agree with a way to label, and which way they like best."""

import pandas as pd
import plotly.graph_objects as go

from wikitopics.show.figures import MUTED, PALETTE, error_bars, new_figure, plain
from wikitopics.show.label_plots import SHOWN, TALL


def agreement_with_people(table: pd.DataFrame, ceiling: float | None = None) -> go.Figure:
    """Dots of F1 with 95 % intervals, precision and recall beside them, the most agreed on top.

    `table`: label, precision, recall, f1, f1_low, f1_high. `ceiling`: the micro F1 of two people, a line.
    """
    table = table[table["people"] > 0].nlargest(SHOWN, "people").sort_values("f1")
    names = table["label"].map(plain)
    height = 170 + TALL * len(table)
    figure = new_figure("Agreement with people", x="0 to 1; bar: 95 % interval of F1", height=height)
    for name, colour, symbol in (
        ("precision", PALETTE[1], "diamond-open"),
        ("recall", PALETTE[2], "circle-open"),
    ):
        figure.add_scatter(
            x=table[name],
            y=names,
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 9},
        )
    figure.add_scatter(
        x=table["f1"],
        y=names,
        mode="markers",
        name="F1",
        error_x=error_bars(table["f1"], table["f1_low"], table["f1_high"]),
        marker={"color": PALETTE[0], "size": 10},
        customdata=table["people"],
        hovertemplate="%{y}: F1 %{x:.2f} (%{customdata} files by people)<extra></extra>",
    )
    return _with_ceiling(figure, ceiling).update_layout(xaxis_range=[-0.02, 1.02])


def ranking(table: pd.DataFrame, ceiling: float | None = None) -> go.Figure:
    """Dots of micro F1 with 95 % intervals and of macro F1 for each order of rules, the best on top.

    `table`: heuristics, micro_f1, micro_f1_low, micro_f1_high, macro_f1. `ceiling` as above.
    """
    table = table[::-1]
    height = 150 + TALL * len(table)
    figure = new_figure("Ways up, and how far people agree", x="F1; bar: 95 % interval", height=height)
    bars = error_bars(table["micro_f1"], table["micro_f1_low"], table["micro_f1_high"])
    for name, error, symbol in (("macro", None, "diamond-open"), ("micro", bars, "circle")):
        figure.add_scatter(
            x=table[f"{name}_f1"],
            y=table["heuristics"],
            mode="markers",
            name=f"{name} F1",
            error_x=error,
            marker={"color": PALETTE[1 if error is None else 0], "symbol": symbol, "size": 9},
        )
    return _with_ceiling(figure, ceiling)


def _with_ceiling(figure: go.Figure, ceiling: float | None) -> go.Figure:
    if ceiling is not None:
        figure.add_vline(x=ceiling, line_color=MUTED, line_dash="dash", annotation_text="two people")
    return figure
