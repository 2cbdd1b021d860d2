"""Lines and points of the static twin."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from wikitopics.show.static_values import array, colour, each, number, points, words
from wikitopics.show.theme import INK

MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "cross": "P",
    "x": "X",
    "triangle-up": "^",
    "triangle-down": "v",
    "star": "*",
}
DASH_PATTERNS = {"dash": (0, (5, 3)), "dot": (0, (1.2, 2)), "dashdot": (0, (6, 2.5, 1.2, 2.5))}
MANY = 40  # marks of one trace above which they are drawn with hard edges: half the bytes, and no one sees it


def dash(name: str | None) -> Any:
    """A plotly dash as a matplotlib line style."""
    return DASH_PATTERNS.get(name or "solid", "-")


def marker(symbol: str | None) -> tuple[str, bool]:
    """A plotly symbol as a matplotlib marker, and whether it is hollow.

    >>> marker("diamond-open"), marker(None)
    (('D', True), ('o', False))
    """
    name = symbol or "circle"
    return MARKERS.get(name.removesuffix("-open"), "o"), name.endswith("-open")


def scatter(axes: Axes, trace: Any, default: str, x: Any, y: Any) -> None:
    """Lines, markers, texts and error bars of one trace."""
    xs, ys = x.at(trace.x), y.at(trace.y)
    line = colour(trace.line.color or trace.marker.color or default)
    if "lines" in trace.mode:
        style = {"lw": points(trace.line.width or 2), "ls": dash(trace.line.dash)}
        axes.plot(xs, ys, color=line, solid_capstyle="round", marker="None", **style)
    for error, direction in ((trace.error_x, "x"), (trace.error_y, "y")):
        if error.array is not None:
            _error_bars(axes, xs, ys, error, direction, line)
    if "markers" in trace.mode:
        _markers(axes, trace, xs, ys, line)
    if "text" in trace.mode:
        _texts(axes, trace, xs, ys)


def _error_bars(axes: Axes, xs, ys, error: Any, direction: str, default: Any) -> None:
    axes.errorbar(
        xs,
        ys,
        **{f"{direction}err": np.vstack([array(error.arrayminus), array(error.array)])},
        fmt="none",
        ecolor=colour(error.color) if error.color else default,
        elinewidth=points(1.5),
        capsize=points(3),
        capthick=points(1.5),
    )


def _markers(axes: Axes, trace: Any, xs, ys, line: Any) -> None:
    form, hollow = marker(trace.marker.symbol)
    fill = colour(trace.marker.color, trace.marker.opacity) if trace.marker.color else line
    hard = {"antialiased": False, "snap": True} if len(xs) > MANY else {}
    axes.scatter(
        xs,
        ys,
        s=points(trace.marker.size or 6) ** 2,
        marker=form,
        facecolors="none" if hollow else [fill],
        edgecolors=[fill] if hollow else "none",
        linewidths=points(1.5 if hollow else 0),
        zorder=3,
        **hard,
    )


def _texts(axes: Axes, trace: Any, xs, ys) -> None:
    up, across = (trace.textposition or "middle center").split()
    for at, height, text in zip(xs, ys, each(trace.text, len(xs)), strict=True):
        axes.annotate(
            words(number(text)),
            (at, height),
            xytext=({"left": -5, "right": 5}.get(across, 0), {"top": 4, "bottom": -4}.get(up, 0)),
            textcoords="offset points",
            ha={"left": "right", "right": "left"}.get(across, "center"),
            va={"top": "bottom", "bottom": "top"}.get(up, "center"),
            fontsize=points(trace.textfont.size or 12),
            color=colour(trace.textfont.color or INK),
            annotation_clip=False,
        )
