"""Figures of 05_compare: each takes a table, returns a plotly figure."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from wikitopics.show.figures import dots_around_zero, error_bars, new_figure, plain
from wikitopics.show.theme import INK, MUTED, PALETTE, series_style

VERDICTS = {  # a shape each, for who sees no colour
    "higher": {"color": PALETTE[0], "symbol": "triangle-up"},
    "lower": {"color": PALETTE[4], "symbol": "square"},
    "no difference shown": {"color": MUTED, "symbol": "circle-open"},
}
CLASSES = "ImageNet-1k classes of the label"
ACROSS, UP = (-0.25, 3.0), 0.02  # log(classes + 1) that the scatter shows; room above and below its points
PANEL = (760, 520)  # CSS pixels of the scatter's panel, near enough to keep its texts apart
LETTER, LINE = 6.2, 13  # CSS pixels of a letter and of a line at font size 10
AROUND = np.linspace(0, 2 * np.pi, 16, endpoint=False)


def runs(table: pd.DataFrame) -> go.Figure:
    """Macro ROC-AUC of every cell with its 95 % interval: against its own labels and against people.

    table: run, macro_roc_auc, human_roc_auc and their _low, _high (other images and other seeds).
    """
    names = [plain(name) for name in table["run"]]
    figure = new_figure(
        "All cells on one test set",
        x="macro ROC-AUC, mean over seeds (bar: 95 % interval, other images and seeds)",
        height=200 + 34 * len(table),
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
    """Heat map of the grid: label source and number of labels down, backbone across (and its image_size,
    where the table has several)."""
    rows = table["label_source"] + ", " + table["n_labels"].astype(str) + " labels"
    columns = table["backbone"]
    if "image_size" in table and table["image_size"].nunique() > 1:
        sizes = table["image_size"].map(lambda pixels: f", {pixels} px" if pixels else "")
        columns = columns + sizes
    named = table.assign(row=rows, column=columns)
    grid = named.pivot_table(index="row", columns="column", values=metric, sort=False)
    words = metric.replace("_", " ").replace("roc auc", "ROC-AUC")
    figure = new_figure(f"The grid: {words}", x="backbone", y="labels", height=140 + 60 * len(grid))
    figure.add_heatmap(
        z=grid.to_numpy(),
        x=[plain(name) for name in grid.columns],
        y=[plain(name) for name in grid.index],
        text=grid.map(lambda value: f"{value:.3f}").to_numpy(),
        texttemplate="%{text}",
        colorbar={"title": words},
    )
    return figure.update_yaxes(autorange="reversed")


def differences(table: pd.DataFrame, unit: str) -> go.Figure:
    """Marks with paired 95 % intervals around zero: filled where a difference is shown, open where not.

    table: name, difference, low, high, verdict; one row a line, the first on top.
    """
    figure = new_figure(
        "Differences", x=f"difference in {unit} (bar: 95 % interval)", height=160 + 28 * len(table)
    )
    return dots_around_zero(figure, table.assign(name=table["name"].map(plain)), VERDICTS)


def beside_names(table: pd.DataFrame) -> go.Figure:
    """How much better a head that learned from labels is than the labels' names, label by label.

    table: of compare.names_only.table; the label for which labels gain most is on top. Where there are
    several pairs of runs each line names the trained one too.
    """
    several = len(table[["by_names", "trained"]].drop_duplicates()) > 1
    runs_ = " (" + table["trained"] + " and " + table["by_names"] + ")" if several else ""
    named = table.assign(name=table["label"] + runs_).sort_values("difference", ascending=False)
    figure = differences(named, "ROC-AUC, labelled pictures minus names alone")
    return figure.update_layout(title_text="What labelled pictures add to the labels' names")


def agreement(table: pd.DataFrame) -> go.Figure:
    """How far each two label sources agree about each topic: Cohen's kappa, a mark a pair, a line a topic.

    table: of agreement.by_topic. Topics with the lowest mean are at the bottom; a dotted line is what chance
    reaches.
    """
    known = table.dropna(subset="kappa")
    mean = known.groupby("topic")["kappa"].mean().sort_values(kind="stable")
    place = dict(zip(mean.index, range(len(mean)), strict=True))
    figure = new_figure(
        "Do the label sources agree?",
        x="Cohen's kappa of files that both label (1: always the same)",
        height=200 + 22 * len(mean),
    )
    pairs = list(known.groupby(["first", "second"], sort=False))
    for number, ((first, second), rows) in enumerate(pairs):
        style = series_style(number)
        apart = 0.2 * (number - (len(pairs) - 1) / 2)
        told = rows[["other_topic", "both", "first_only", "second_only"]].itertuples(index=False)
        figure.add_scatter(
            x=rows["kappa"],
            y=rows["topic"].map(place) + apart,
            mode="markers",
            name=plain(f"{first} and {second}"),
            hovertext=[
                plain(f"{topic}: {both} both, {a} {first} only, {b} {second} only")
                for topic, both, a, b in told
            ],
            marker={"color": style["color"], "symbol": style["symbol"], "size": 9},
        )
    figure.add_vline(x=0, line={"color": MUTED, "dash": "dot"})
    figure.update_layout(xaxis_range=[min(0, known["kappa"].min()) - 0.05, 1.05], showlegend=True)
    return figure.update_yaxes(tickvals=list(place.values()), ticktext=[plain(name) for name in place])


def learning_curves(table: pd.DataFrame) -> go.Figure:
    """Macro average precision against the labels a topic that were learned from, a line a run.

    table: of learning_curve.curve_table. The last mark of a line is the run with all its labels; marks of one
    place are set a little apart. A dotted line is the label prior's value.
    """
    figure = new_figure(
        "What are more labels worth?",
        x="labels a topic to learn from, median over topics (bar: 95 % interval)",
        y="macro average precision",
    )
    for number, (run, rows) in enumerate(table.groupby("run", sort=False)):
        style = series_style(number)
        first = rows.iloc[0]
        figure.add_scatter(
            x=rows["labels"] * 1.03**number,
            y=rows["value"],
            mode="lines+markers",
            name=plain(f"{first['backbone']}, {first['label_source']}"),
            hovertext=[plain(f"{run}, {asked} labels") for asked in rows["asked"]],
            error_y=error_bars(rows["value"], rows["low"], rows["high"]),
            line={"color": style["color"], "dash": style["dash"]},
            marker={"color": style["color"], "symbol": style["symbol"], "size": 9},
        )
    ends = [table["labels"].min() / 1.3, table["labels"].max() * 1.3]
    for prior in sorted(set(table["prior"].dropna().round(4))):
        line = {"color": MUTED, "dash": "dot"}
        figure.add_scatter(x=ends, y=[prior] * 2, mode="lines", name="label prior", line=line)
    ticks = [number * 10**power for power in range(7) for number in (1, 3)]
    ticks = [tick for tick in ticks if ends[0] <= tick <= ends[1]]
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{tick:,}" for tick in ticks])
    return figure.update_xaxes(range=np.log10(ends).tolist())


def presence(table: pd.DataFrame) -> go.Figure:
    """A label's number of ImageNet-1k classes against its ROC-AUC, one colour and shape a label source.

    table: source, label, classes, roc_auc. The axis is log(classes + 1), so that none has a place. Names
    stand beside their points, moved apart where one would cover another, with a thin line to the point. A
    label without a ROC-AUC has no point.
    """
    figure = new_figure("Does pre-training show?", x=CLASSES, y="ROC-AUC on test images", height=640)
    table = table.assign(x=np.log10(table["classes"] + 1)).dropna(subset=["roc_auc", "x"])
    low, high = (table["roc_auc"].min() - UP, table["roc_auc"].max() + UP) if len(table) else (0.0, 1.0)
    names = [plain(name).split(".")[-1].rstrip("*") for name in table["label"]]
    at = moved_apart(table["x"], table["roc_auc"], [len(name) for name in names], ACROSS, (low, high))
    _leaders(figure, table[["x", "roc_auc"]].to_numpy(), at, [len(name) for name in names], (low, high))
    for number, (source, rows) in enumerate(table.groupby("source", sort=False)):
        marker = {"size": 8} | {key: series_style(number)[key] for key in ("color", "symbol")}
        figure.add_scatter(x=rows["x"], y=rows["roc_auc"], mode="markers", name=plain(source), marker=marker)
    figure.add_scatter(
        x=at[:, 0], y=at[:, 1], mode="text", text=names, textfont={"size": 10, "color": INK}, showlegend=False
    )
    ticks = [0, 1, 3, 10, 30, 100, 300]
    figure.update_xaxes(tickvals=np.log10(np.array(ticks) + 1), ticktext=[str(tick) for tick in ticks])
    return figure.update_layout(xaxis_range=list(ACROSS), yaxis_range=[low, high])


def _leaders(
    figure: go.Figure, points: np.ndarray, at: np.ndarray, letters: list[int], up: tuple[float, float]
) -> None:
    """A thin line from each point to the edge of its name, in the direction of its middle."""
    scale = np.array(PANEL) / [ACROSS[1] - ACROSS[0], max(up[1] - up[0], 1e-9)]
    half = np.column_stack([np.array(letters) * LETTER, np.full(len(letters), LINE)]) / 2
    away = np.maximum(np.abs(at - points) * scale, 1e-9)
    share = 1 - np.minimum((half / away).min(axis=1), 1)  # of the way, before the name begins
    ends, gaps = points + (at - points) * share[:, None], np.full(len(points), np.nan)
    figure.add_scatter(
        x=np.column_stack([points[:, 0], ends[:, 0], gaps]).ravel(),
        y=np.column_stack([points[:, 1], ends[:, 1], gaps]).ravel(),
        mode="lines",
        line={"color": MUTED, "width": 0.6},
        hoverinfo="skip",
        showlegend=False,
    )


def moved_apart(
    x: pd.Series, y: pd.Series, letters: list[int], across: tuple[float, float], up: tuple[float, float]
) -> np.ndarray:
    """Middles of texts beside points so that none covers another text or point where there is room: (n, 2).

    letters: of each text; across and up: the ranges of the axes. One text after the other takes the nearest
    free place around its point, and the last tried one where there is none.
    """
    scale = np.array(PANEL) / [across[1] - across[0], max(up[1] - up[0], 1e-9)]
    points = np.column_stack([x, y]) * scale
    taken = [(point, np.array([5.0, 5.0])) for point in points]
    for point, count in zip(points, letters, strict=True):
        half = np.array([count * LETTER, LINE]) / 2
        places = (
            point + (half + away) * [np.cos(angle), np.sin(angle)]
            for away in (5, 12, 22, 35, 50, 70)
            for angle in AROUND
        )
        taken.append((_first_free(places, half, taken, np.array([across, up]).T * scale), half))
    return np.array([middle for middle, _ in taken[len(points) :]]).reshape(-1, 2) / scale


def _first_free(places: Iterable[np.ndarray], half: np.ndarray, taken: list, edges: np.ndarray) -> np.ndarray:
    place = np.zeros(2)
    for place in places:
        inside = (place - half >= edges[0]).all() and (place + half <= edges[1]).all()
        if inside and not any((np.abs(place - other) < half + size).all() for other, size in taken):
            break
    return place
