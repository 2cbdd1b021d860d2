"""Figures of 01_labels: each takes a table, returns a plotly figure."""

import pandas as pd
import plotly.graph_objects as go

from wikitopics.show import figures
from wikitopics.show.figures import INK, MUTED, PALETTE, new_figure, plain
from wikitopics.show.long_names import room_below
from wikitopics.show.why_layout import layout

TALL = 22  # CSS pixels for one label in a list of bars
BELOW = {"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top"}
SHOWN = 30  # labels in a list: the most frequent; folders may be thousands


def taxonomy_tree(counts: pd.DataFrame) -> go.Figure:
    """The labels as a sunburst; `counts`: label, parent, files, alone.

    A label's area is its files that have none of its children, plus its children's areas.
    """
    return new_figure("Labels and how many files have them", height=560).add_sunburst(
        ids=counts["label"].map(plain),
        labels=counts["label"].map(plain),
        parents=counts["parent"].map(plain),
        values=counts["alone"].clip(lower=0),
        customdata=counts["files"],
        branchvalues="remainder",
        hovertemplate="%{label}: %{customdata:,} files<extra></extra>",
    )


def label_counts(counts: pd.DataFrame) -> go.Figure:
    """Bars of files per label, the most frequent on top; `counts`: label, files, mean_score."""
    table = counts.nlargest(SHOWN, "files")[::-1]
    figure = new_figure("Files per label", x="files", height=140 + TALL * len(table))
    return figure.add_bar(
        x=table["files"],
        y=table["label"].map(plain),
        orientation="h",
        customdata=table["mean_score"],
        hovertemplate="%{y}: %{x:,} files, mean score %{customdata:.2f}<extra></extra>",
    )


def co_occurrence(shares: pd.DataFrame) -> go.Figure:
    """Heat map of the share of the row's files that also have the column's label."""
    names = [plain(name) for name in shares.columns]
    figure = new_figure("Labels that come together", x="also has", y="of the files with")
    height = max(260 + 17 * len(names), 200 + room_below(shares.columns))
    figure.update_layout(height=height, yaxis_autorange="reversed", xaxis_tickangle=-90)
    hover = "of the files with %{y}, %{z:.0%} have %{x}<extra></extra>"
    figure.add_heatmap(z=shares.to_numpy(), x=names, y=names, zmin=0, zmax=1, hovertemplate=hover)
    return figure.update_traces(colorbar_title_text="share")


def labels_per_file(table: pd.DataFrame) -> go.Figure:
    """Bars of how many files have 0, 1, 2 ... labels; `table`: labels, files."""
    figure = new_figure("Labels per file, labels above included", x="labels", y="files", height=320)
    return figure.add_bar(x=table["labels"], y=table["files"]).update_xaxes(dtick=1)


def funnel(steps: pd.DataFrame) -> go.Figure:
    """Bars: how many files are left after each step, the first on top; `steps`: step, files."""
    return figures.funnel(steps, "From files to labelled files")


def why(rows: pd.DataFrame) -> go.Figure:
    """The paths that gave one file its labels, as a graph from its categories (left) to the anchors (right).

    `rows`: label, path, rules, anchor of one file. Each hop carries the rule that took it.
    """
    nodes, hops = layout(rows)
    deepest, rows_tall = (int(nodes["x"].max()), int(nodes["rows"].max())) if len(nodes) else (0, 1)
    title = "Why: from the file's categories to the labels"
    figure = new_figure(title, height=200 + 44 * rows_tall)
    figure.add_scatter(
        x=[v for hop in hops.itertuples() for v in (hop.x0, hop.x1, None)],
        y=[v for hop in hops.itertuples() for v in (hop.y0, hop.y1, None)],
        mode="lines",
        line={"color": MUTED, "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
    )
    middle = {"x": (hops["x0"] + hops["x1"]) / 2, "y": (hops["y0"] + hops["y1"]) / 2}
    figure.add_scatter(
        **middle, text=hops["rule"], mode="text", textfont={"size": 10, "color": MUTED}, showlegend=False
    )
    for kind, colour in (("start", PALETTE[0]), ("between", MUTED), ("anchor", PALETTE[1])):
        _dots(figure, nodes[nodes["kind"] == kind], kind, colour)
    figure.update_xaxes(visible=False, range=[-0.5, deepest + 1.2])
    return figure.update_yaxes(visible=False, autorange="reversed").update_layout(legend=BELOW)


def _dots(figure: go.Figure, nodes: pd.DataFrame, kind: str, colour: str) -> None:
    if nodes.empty:
        return
    words = {
        "start": "category or article of the file",
        "between": "on the way",
        "anchor": "anchor, and its labels",
    }
    figure.add_scatter(
        x=nodes["x"],
        y=nodes["y"],
        text=[plain(text) for text in nodes["text"]],
        hovertext=[plain(text) for text in nodes["name"]],
        hoverinfo="text",
        mode="markers+text",
        textposition="middle right" if kind == "anchor" else "top center",
        textfont={"size": 11, "color": INK},
        marker={"color": colour, "size": 11},
        name=words[kind],
    )
