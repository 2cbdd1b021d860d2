"""Figures of 06_score about groups of pictures: what a category, folder or wiki lacks."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from wikitopics.show.figures import DIVERGING, LEGEND_ABOVE, PALETTE, dots_around_zero, new_figure, plain
from wikitopics.show.long_names import room_below
from wikitopics.show.score_plots import TALL

SHOWN = 30  # groups, or differences, in one figure; the table on disk has all
BEYOND = {
    "lacks": {"symbol": "square", "color": PALETTE[0]},
    "has more": {"symbol": "circle", "color": PALETTE[4]},
}
MARKS = {"lacks": "▼", "has more": "▲", "no difference shown": ""}


def by_group(table: pd.DataFrame) -> go.Figure:
    """Heat map: share of each topic in each group minus its share in all others, in points.

    table: group, pictures, label, difference, verdict; the largest groups on top; ▼ lacks, ▲ has more.
    """
    groups = list(dict.fromkeys(table["group"]))[:SHOWN]
    part = table[table["group"].isin(groups)]
    labels = list(dict.fromkeys(part["label"]))
    grid = 100 * part.pivot(index="group", columns="label", values="difference").loc[groups, labels]
    verdicts = part.pivot(index="group", columns="label", values="verdict").loc[groups, labels]
    sizes = part.groupby("group")["pictures"].first()
    widest = float(np.nanmax(np.abs(grid.to_numpy()), initial=1.0))
    tall = 170 + TALL * len(groups) + room_below(labels)
    figure = new_figure("What groups lack", x="topic", y="group (pictures)", height=tall)
    figure.add_heatmap(
        z=grid.to_numpy(),
        x=[plain(name) for name in labels],
        y=[f"{plain(name)} ({sizes[name]})" for name in groups],
        text=verdicts.map(MARKS.get).to_numpy(),
        texttemplate="%{text}",
        colorscale=DIVERGING,
        zmin=-widest,
        zmax=widest,
        colorbar={"title": "points"},
        hovertemplate="%{y}, %{x}: %{z:+.1f} percentage points %{text}<extra></extra>",
    )
    return figure.update_yaxes(autorange="reversed").update_xaxes(tickangle=-90)


def lacking(table: pd.DataFrame) -> go.Figure:
    """Dots with intervals: the differences that are beyond chance, the largest on top; lacking ones squares.

    table: group, label, difference, difference_low, difference_high, verdict (rows that differ only).
    """
    table = table.reindex(table["difference"].abs().sort_values(ascending=False).index).head(SHOWN)
    names = [f"{plain(row.group)}: {plain(row.label)}" for row in table.itertuples()]
    figure = new_figure(
        "Beyond chance: groups that differ from the rest",
        x="difference of shares (percentage points), bar: 95 % interval",
        height=170 + TALL * max(2, len(table)),
        legend=LEGEND_ABOVE,
    )
    shares = ["difference", "difference_low", "difference_high"]
    points = pd.DataFrame(100 * table[shares].to_numpy(), columns=["difference", "low", "high"])
    points = points.assign(name=names, verdict=list(table["verdict"]))
    return dots_around_zero(figure, points, BEYOND)
