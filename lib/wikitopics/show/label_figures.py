"""Figures of 01_labels: each takes a table, returns a plotly figure."""

import pandas as pd
import plotly.graph_objects as go

from wikitopics.show.figures import error_bars, new_figure, plain
from wikitopics.show.long_names import room_below, shortened
from wikitopics.show.theme import INK, MUTED, PALETTE, series_style

TALL = 22  # CSS pixels for one label in a list of bars
BELOW = {"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top"}
HOPS_SHOWN = 12  # hops in a list
SHOWN = 30  # labels in a list: the most frequent; folders may be thousands

LONGEST_TEXT = 30  # characters of a name in the drawing; the whole name is in the hover text
Path = tuple  # of names, and of bends (name, next name, column) where a hop passes a column


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
        "start": "category, item or article of the file",
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


# --- Figures of 01_labels about people: how far they agree with a way to label, and which way they like best


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


def weights(table: pd.DataFrame) -> go.Figure:
    """What each source's yes counts for each label, in log-odds: a mark a source, a line a label.

    table: label, source, yes, score; a sure yes is yes + score. The first label is on top; right of the
    dotted line a source's word speaks for its label.
    """
    labels = list(dict.fromkeys(table["label"]))
    place = {label: len(labels) - number for number, label in enumerate(labels)}
    figure = new_figure(
        "What a source's word counts", x="log-odds that a sure yes adds", height=200 + 22 * len(labels)
    )
    for number, (source, rows) in enumerate(table.groupby("source", sort=False)):
        style = series_style(number)
        figure.add_scatter(
            x=rows["yes"] + rows["score"],
            y=rows["label"].map(place) - 0.15 * number,
            mode="markers",
            name=plain(str(source)),
            marker={"color": style["color"], "symbol": style["symbol"], "size": 9},
        )
    figure.add_vline(x=0, line={"color": MUTED, "dash": "dot"})
    return figure.update_yaxes(tickvals=list(place.values()), ticktext=[plain(name) for name in place])


def faults(table: pd.DataFrame) -> go.Figure:
    """Bars of the wrong labels put down to each hop, a mark for all labels that came by it, the worst on top.

    `table`: child, parent, blamed, given, labels (see labels.faults.ranked); the first HOPS_SHOWN of them.
    """
    table = table.head(HOPS_SHOWN)[::-1]
    names = (table["child"] + " → " + table["parent"].replace("", "(an anchor itself)")).map(plain)
    figure = new_figure("Hops that brought wrong labels", x="labels", height=150 + TALL * len(table))
    figure.add_bar(
        x=table["blamed"],
        y=names,
        orientation="h",
        name="wrong, put down to the hop",
        marker_color=PALETTE[0],
        customdata=table["labels"].map(plain),
        hovertemplate="%{y}: %{x:,} wrong labels, %{customdata}<extra></extra>",
    )
    return figure.add_scatter(
        x=table["given"],
        y=names,
        mode="markers",
        name="all that came by it",
        marker={"color": INK, "symbol": "circle-open", "size": 9},
    )


def proposal(changes: pd.DataFrame, figures: pd.DataFrame) -> go.Figure:
    """Micro F1 after each change, a line each for the half they were found on and for the other.

    `changes`: change, category, to, found, shown; `figures`: half, figure, value, low, high (see
    labels.faults.Proposal). The bars at both ends are 95 % intervals.
    """
    names = ["as it is", *(plain(f"{c.change}: {c.category} → {c.to}") for c in changes.itertuples())]
    title = "Changes that were chosen, and what they do"
    figure = new_figure(title, x="changes made (bar: 95 % interval)", y="micro F1", height=380)
    for number, (half, column) in enumerate((("found on", "found"), ("shown on", "shown"))):
        ends = figures[figures["half"] == half].set_index("figure").loc[["before", "after"]]
        values = pd.Series([ends["value"].iloc[0], *changes[column]])
        low, high = values.copy(), values.copy()
        low.iloc[[0, -1]], high.iloc[[0, -1]] = ends["low"].to_numpy(), ends["high"].to_numpy()
        style = series_style(number)
        figure.add_scatter(
            x=[place + 0.08 * number for place in range(len(values))],
            y=values,
            mode="lines+markers",
            name=f"half that they were {half}",
            hovertext=names,
            error_y=error_bars(values, low, high),
            line={"color": style["color"], "dash": style["dash"]},
            marker={"symbol": style["symbol"], "size": 8},
        )
    return figure.update_xaxes(dtick=1)


def _with_ceiling(figure: go.Figure, ceiling: float | None) -> go.Figure:
    if ceiling is not None:
        figure.add_vline(x=ceiling, line_color=MUTED, line_dash="dash", annotation_text="two people")
    return figure


def layout(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Nodes (name, text, kind, x, y, rows) and lines (rule, x0, y0, x1, y1) of the paths in `rows`.

    `rows` has label, path (list of names) and rules (one per hop). kind is "start", "between" or "anchor";
    rows is the height of the drawing: how many nodes its fullest column has. A hop that passes a column
    has several lines, and its rule on the first.
    """
    rows = rows[rows["path"].map(len) > 0]
    column = _columns([tuple(path) for path in rows["path"]])
    paths = list(dict.fromkeys(_bent(tuple(path), column) for path in rows["path"]))
    column |= {bend: bend[2] for path in paths for bend in path if isinstance(bend, tuple)}
    place = _places(paths, column)
    ends = rows.groupby(rows["path"].map(lambda p: p[-1]))["label"].agg(
        lambda names: ", ".join(dict.fromkeys(names))
    )
    nodes = _nodes(
        {name: x for name, x in column.items() if isinstance(name, str)}, place, paths, ends.to_dict()
    )
    rules = {
        (a, b): r for path, rs in zip(rows["path"], rows["rules"], strict=True) for a, b, r in _hops(path, rs)
    }
    return nodes.assign(rows=pd.Series(column).value_counts().max()), _lines(paths, rules, column, place)


def _columns(paths: list[Path]) -> dict:
    """Longest distance of each name from the start of a path, the ends all in the last column.

    (In a loop between paths it stops growing.)
    """
    column = {name: 0 for path in paths for name in path}
    for _ in range(len(column)):
        before = dict(column)
        for path in paths:
            for name, after in zip(path, path[1:], strict=False):
                column[after] = max(column[after], min(column[name] + 1, len(column)))
        if column == before:
            break
    last = max(column.values(), default=0)
    return column | {path[-1]: last for path in paths}


def _bent(path: Path, column: dict) -> Path:
    """The path with a bend in every column that one of its hops passes."""
    bent = list(path[:1])
    for name, after in zip(path, path[1:], strict=False):
        bent += [(name, after, x) for x in range(column[name] + 1, column[after])] + [after]
    return tuple(bent)


def _places(paths: list[Path], column: dict) -> dict:
    """Each column's names and bends around the middle, near to those they come from."""
    before: dict = {name: set() for name in column}
    for path in paths:
        for name, after in zip(path, path[1:], strict=False):
            before[after].add(name)
    place: dict = {}
    for x in sorted(set(column.values())):
        names = [name for name in column if column[name] == x]
        near = {name: [place[other] for other in before[name] if other in place] for name in names}
        names.sort(key=lambda name: sum(near[name]) / max(len(near[name]), 1))
        for i, name in enumerate(names):
            place[name] = i - (len(names) - 1) / 2
    return place


def _nodes(column: dict, place: dict, paths: list[Path], ends: dict[str, str]) -> pd.DataFrame:
    starts = {path[0] for path in paths}
    kinds = {name: "anchor" if name in ends else "start" if name in starts else "between" for name in column}
    rows = [(name, _text(name, ends), kinds[name], x, place[name]) for name, x in column.items()]
    return pd.DataFrame(rows, columns=["name", "text", "kind", "x", "y"])


def _text(name: str, ends: dict[str, str]) -> str:
    short = shortened(name, LONGEST_TEXT)
    return f"{short} → {ends[name]}" if name in ends else short


def _hops(path: Path, rules: list[str]) -> list[tuple]:
    return list(zip(path, path[1:], rules, strict=False))


def _lines(paths: list[Path], rules: dict, column: dict, place: dict) -> pd.DataFrame:
    lines = {}
    for path in paths:
        for name, after in zip(path, path[1:], strict=False):
            goal = after[1] if isinstance(after, tuple) else after
            rule = rules.get((name, goal), "")
            lines[(name, after)] = (rule, column[name], place[name], column[after], place[after])
    return pd.DataFrame(list(lines.values()), columns=["rule", "x0", "y0", "x1", "y1"])
