"""Lines and points of the static twin."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from wikitopics.show.static_bars import mark_colours, whiskers
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
    "line-ns": "|",
    "line-ew": "_",
}
DASH_PATTERNS = {
    "dash": (0, (5, 3)),
    "dot": (0, (1.2, 2)),
    "dashdot": (0, (6, 2.5, 1.2, 2.5)),
    "longdash": (0, (9, 3)),
}
MANY = 40  # marks of one trace above which they are drawn with hard edges: half the bytes, and no one sees it
STEPS = {"hv": "steps-post", "vh": "steps-pre", "hvh": "steps-mid"}


def dash(name: str | None) -> Any:
    """A plotly dash as a matplotlib line style."""
    return DASH_PATTERNS.get(name or "solid", "-")


def scatter(axes: Axes, trace: Any, default: str, x: Any, y: Any, before: Any) -> Any:
    """Lines, markers, texts, fills and error bars of one trace; its points are returned for `tonexty`."""
    n = max(len(array(trace.x)), len(array(trace.y)))
    xs = x.at(trace.x) if trace.x is not None else np.arange(n, dtype=float)
    ys = y.at(trace.y) if trace.y is not None else np.arange(n, dtype=float)
    mode = trace.mode or ("lines+markers" if n < 20 else "lines")
    line = colour(
        trace.line.color or (trace.marker.color if isinstance(trace.marker.color, str) else default),
        trace.opacity,
    )
    if trace.fill and trace.fill != "none":
        _fill(axes, trace, xs, ys, before, line)
    if "lines" in mode:
        width = points(trace.line.width if trace.line.width is not None else 2)
        style = {"ls": dash(trace.line.dash), "drawstyle": STEPS.get(trace.line.shape, "default")}
        axes.plot(xs, ys, color=line, lw=width, solid_capstyle="round", marker="None", **style)
    for error, kind in ((trace.error_x, "x"), (trace.error_y, "y")):
        if error.array is not None:
            whiskers(axes, xs, ys, error, kind, line)
    if "markers" in mode:
        _markers(axes, trace, xs, ys, line)
    if "text" in mode:
        _texts(axes, trace, xs, ys)
    return xs, ys


def _fill(axes: Axes, trace: Any, xs, ys, before: Any, line: Any) -> None:
    shade = {"color": colour(trace.fillcolor) if trace.fillcolor else (*line[:3], 0.5), "linewidth": 0}
    if trace.fill == "tonexty" and before is not None:
        axes.fill(np.concatenate([xs, before[0][::-1]]), np.concatenate([ys, before[1][::-1]]), **shade)
    elif trace.fill in ("toself", "tonext"):
        axes.fill(xs, ys, **shade)
    elif trace.fill.endswith("x"):
        axes.fill_betweenx(ys, 0, xs, **shade)
    else:
        axes.fill_between(xs, 0, ys, step={"hv": "post", "vh": "pre"}.get(trace.line.shape), **shade)


def _markers(axes: Axes, trace: Any, xs, ys, line: Any) -> None:
    marker = trace.marker
    fills = mark_colours(marker, len(xs), line, trace.opacity)
    sizes = points(np.array(each(marker.size, len(xs), 6), dtype=float)) ** 2
    symbols = np.array(each(marker.symbol, len(xs), "circle"), dtype=object)
    hard = {"antialiased": False, "snap": True} if len(xs) > MANY else {}
    for symbol in dict.fromkeys(symbols):
        which = symbols == symbol
        hollow = str(symbol).endswith("-open")
        colours = [fill for fill, wanted in zip(fills, which, strict=True) if wanted]
        edge = (
            colours
            if hollow
            else (colour(marker.line.color) if isinstance(marker.line.color, str) else "none")
        )
        axes.scatter(
            xs[which],
            ys[which],
            s=sizes[which],
            marker=MARKERS.get(str(symbol).removesuffix("-open"), "o"),
            c="none" if hollow else colours,
            edgecolors=edge,
            linewidths=points(marker.line.width or (1.5 if hollow else 0)),
            zorder=3,
            **hard,
        )


def _texts(axes: Axes, trace: Any, xs, ys) -> None:
    places = each(trace.textposition, len(xs), "middle center")
    colours = each(trace.textfont.color, len(xs), INK)
    for at, height, text, place, ink in zip(
        xs, ys, each(trace.text, len(xs), ""), places, colours, strict=True
    ):
        up, across = place.split()
        axes.annotate(
            words(number(text)),
            (at, height),
            xytext=({"left": -5, "right": 5}.get(across, 0), {"top": 4, "bottom": -4}.get(up, 0)),
            textcoords="offset points",
            ha={"left": "right", "right": "left"}.get(across, "center"),
            va={"top": "bottom", "bottom": "top"}.get(up, "center"),
            fontsize=points(trace.textfont.size or 12),
            color=colour(ink),
            annotation_clip=False,
        )
