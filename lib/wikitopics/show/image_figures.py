"""Figures of 02_images: each takes a table, returns a plotly figure."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from wikitopics.show.figures import new_figure, plain
from wikitopics.show.theme import PALETTE, series_style

ROW = 30  # pixels of a horizontal bar
SHAPES = [(f"{2 ** (step / 2):.2g}", step) for step in range(-4, 5)]  # width / height, in steps of sqrt(2)


def reasons(table: pd.DataFrame) -> go.Figure:
    """Horizontal bars: rejected files for each reason (reason, files), the most frequent on top."""
    figure = new_figure(
        "Why files were rejected", x="files", y="reason", height=140 + ROW * max(2, len(table))
    )
    names = [plain(reason) for reason in table["reason"]]
    figure.add_bar(x=table["files"], y=names, orientation="h", text=table["files"], marker_color=PALETTE[1])
    return figure.update_layout(yaxis_autorange="reversed")


def formats(images: pd.DataFrame) -> go.Figure:
    """Stacked bars: files of each format, by the mode of their pixels (columns format, mode)."""
    counts = pd.crosstab(images["format"], images["mode"])
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False).index]
    figure = new_figure("Formats, and modes of their pixels", x="format", y="files")
    order = counts.sum().sort_values(ascending=False).index
    for number, mode in enumerate(order):
        colour = PALETTE[number % len(PALETTE)]
        figure.add_bar(x=counts.index.tolist(), y=counts[mode], name=mode, marker_color=colour)
    return figure.update_layout(barmode="stack")


def sizes(images: pd.DataFrame) -> go.Figure:
    """Two histograms: the longer side of the originals (pixels), and width over height (width, height)."""
    longer = np.floor(np.log2(images[["width", "height"]].max(axis=1)))
    shape = np.round(2 * np.log2(images["width"] / images["height"]).clip(-2, 2))
    doubled = [(f"{2**k:,}+", k) for k in range(int(longer.min()), int(longer.max()) + 1)]
    panels = {
        "longer side (pixels, from; doubling)": (longer, doubled),
        "width / height (about; extremes at the ends)": (shape, SHAPES),
    }
    figure = new_figure("Size and shape of the originals", y="images", columns=2)
    for column, (title, (values, bins)) in enumerate(panels.items(), start=1):
        counts = values.value_counts()
        figure.add_bar(
            x=[name for name, _ in bins],
            y=[int(counts.get(value, 0)) for _, value in bins],
            marker_color=PALETTE[0],
            showlegend=False,
            row=1,
            col=column,
        )
        figure.update_xaxes(title_text=title, type="category", row=1, col=column)
    return figure


def split_shares(table: pd.DataFrame, shares: dict[str, float]) -> go.Figure:
    """Dots: what share of each label's images each part got, against how many the label has.

    table: label, images and NAME_share for each part; `shares`: the share asked for, by part. Lines show it.
    """
    figure = new_figure(
        "Does each part get its share of each label?", x="images with the label", y="share of them"
    )
    shown = table[table["images"] > 0]
    ends = [shown["images"].min() * 0.8, shown["images"].max() * 1.25]
    for number, (name, share) in enumerate(shares.items()):
        style = series_style(number)
        marker = {"color": style["color"], "symbol": style["symbol"], "size": 8, "opacity": 0.8}
        figure.add_scatter(
            x=shown["images"],
            y=shown[f"{name}_share"],
            mode="markers",
            name=name,
            marker=marker,
            text=[plain(label) for label in shown["label"]],
            hovertemplate="%{text}: %{y:.1%} of %{x}<extra></extra>",
        )
        line = {"color": PALETTE[number], "width": 1, "dash": "dot"}
        figure.add_scatter(
            x=ends, y=[share, share], mode="lines", line=line, showlegend=False, hoverinfo="skip"
        )
    return figure.update_layout(xaxis_type="log", yaxis_range=[0, 1])
