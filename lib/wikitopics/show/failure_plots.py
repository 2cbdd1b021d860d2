"""Figures about failure in 04_evaluate: what is taken for what, where, and what silence would buy."""

import pandas as pd
import plotly.graph_objects as go

from wikitopics.show.figures import MUTED, PALETTE, error_bars, new_figure, plain
from wikitopics.show.long_names import room_below


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
    return figure.update_yaxes(autorange="reversed").update_xaxes(tickangle=-90)


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
    return figure.update_layout(xaxis_range=[0, 1.02])
