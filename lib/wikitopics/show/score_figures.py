"""Figures of 06_score: each takes a table, returns a plotly figure."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from wikitopics.show.figures import dots_around_zero, error_bars, new_figure, plain
from wikitopics.show.long_names import room_below
from wikitopics.show.theme import DIVERGING, INK, LEGEND_ABOVE, MUTED, PALETTE

TALL = 24  # CSS pixels of one row
SHOWN = 30  # labels in one figure; the table on disk has all
BIN = 0.02  # of sureness, in one bar
SHARE = "share of the pictures (%), bar: 95 % interval"

SHOWN_GROUPS = 30  # groups, or differences, in one figure; the table on disk has all
BEYOND = {
    "lacks": {"symbol": "square", "color": PALETTE[0]},
    "has more": {"symbol": "circle", "color": PALETTE[4]},
}
MARKS = {"lacks": "▼", "has more": "▲", "no difference shown": ""}


def topic_shares(table: pd.DataFrame) -> go.Figure:
    """The estimated share of each topic with its interval, beside the plain count; the largest on top.

    table: label, counted, counted_share, share, low, high, pictures.
    """
    table = table.sort_values("counted").tail(SHOWN)
    figure = new_figure("Topics found", x=SHARE, height=170 + TALL * len(table), legend=LEGEND_ABOVE)
    _dots(figure, table, "counted_share", "counted above the threshold", "diamond-open", PALETTE[4])
    _estimates(figure, table, "estimated, errors of the model included")
    return figure.update_layout(xaxis_rangemode="tozero")


def against_people(table: pd.DataFrame) -> go.Figure:
    """Estimate with interval, plain count and people's share of each topic, for pictures people judged."""
    table = table.sort_values("people").tail(SHOWN)
    title = "Shares beside people's"
    figure = new_figure(title, x=SHARE, height=170 + TALL * len(table), legend=LEGEND_ABOVE)
    _dots(figure, table, "counted_share", "counted above the threshold", "diamond-open", PALETTE[4])
    _estimates(figure, table, "estimated")
    _dots(figure, table, "people", "people", "square", INK)
    return figure.update_layout(xaxis_rangemode="tozero")


def sureness(sure: np.ndarray, cut: float) -> go.Figure:
    """Bars: how many pictures are how sure, and the cut below which nothing is said."""
    steps = np.floor((np.asarray(sure) - cut) / BIN).astype(int)  # an edge of a bar lies at the cut
    bins = np.arange(steps.min(initial=-1), steps.max(initial=0) + 1)
    counts = np.bincount(steps - bins[0], minlength=len(bins))
    figure = new_figure(
        "How sure is it?", x="labels of a picture expected to be right (%)", y="pictures", height=340
    )
    places, silent = 100 * (cut + (bins + 0.5) * BIN), bins < 0
    for name, part, colour in (("answered", ~silent, PALETTE[0]), ("left to a person", silent, PALETTE[1])):
        figure.add_bar(x=places[part], y=counts[part], name=name, marker_color=colour)
    figure.add_vline(x=100 * cut, line={"color": INK, "dash": "dash"})
    return figure.update_layout(barmode="overlay", bargap=0.1)


def _estimates(figure: go.Figure, table: pd.DataFrame, name: str) -> None:
    """Shares with bars; where nothing can be told, a grey bar from 0 to 100 without a dot."""
    known = table["share"].notna()
    parts = ((name, table[known], PALETTE[0], 10), ("cannot be told", table[~known], MUTED, 1))
    for told, part, colour, size in parts:
        if part.empty:
            continue
        share = 100 * part["share"].fillna(0.5)
        figure.add_scatter(
            x=share,
            y=part["label"].map(plain),
            mode="markers",
            name=told,
            error_x=error_bars(share, 100 * part["low"], 100 * part["high"]) | {"color": colour},
            marker={"color": colour, "size": size},
            hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
        )


def _dots(figure: go.Figure, table: pd.DataFrame, column: str, name: str, symbol: str, colour: str) -> None:
    figure.add_scatter(
        x=100 * table[column],
        y=table["label"].map(plain),
        mode="markers",
        name=name,
        marker={"color": colour, "symbol": symbol, "size": 10},
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    )


def by_group(table: pd.DataFrame) -> go.Figure:
    """Heat map: share of each topic in each group minus its share in all others, in points.

    table: group, pictures, label, difference, verdict; the largest groups on top; ▼ lacks, ▲ has more.
    """
    groups = list(dict.fromkeys(table["group"]))[:SHOWN_GROUPS]
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
    table = table.reindex(table["difference"].abs().sort_values(ascending=False).index).head(SHOWN_GROUPS)
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
