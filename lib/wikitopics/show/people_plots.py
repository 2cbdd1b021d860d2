"""Figures of 04_evaluate about people: how model, label source and both agree with them."""

import pandas as pd
import plotly.graph_objects as go

from wikitopics.show.figures import MUTED, error_bars, new_figure, plain, series_style


def against_people(table: pd.DataFrame, ceiling: float | None = None) -> go.Figure:
    """Dots with 95 % intervals: each view (model, source, both, prior) on each metric.

    `ceiling`: the micro F1 of one person against another, a short line where micro F1 stands.
    """
    figure = new_figure("Against human labels", x="metric", y="value (0 to 1), bar: 95 % interval")
    for number, (who, rows) in enumerate(table.groupby("who", sort=False)):
        style = series_style(number)
        places = [position + 0.14 * (number - 1.5) for position in range(len(rows))]
        figure.add_scatter(
            x=places,
            y=rows["value"],
            mode="markers",
            name=plain(who),
            error_y=error_bars(rows["value"], rows["low"], rows["high"]),
            marker={"color": style["color"], "symbol": style["symbol"], "size": 9},
        )
    names = list(table["metric"].unique())
    if ceiling is not None and "micro f1" in names:
        place = names.index("micro f1")
        line = {"color": MUTED, "dash": "dash"}
        figure.add_scatter(
            x=[place - 0.4, place + 0.4], y=[ceiling] * 2, mode="lines", name="two people", line=line
        )
    figure.update_xaxes(tickvals=list(range(len(names))), ticktext=[name.replace("_", " ") for name in names])
    return figure.update_layout(yaxis_range=[0, 1.02])
