"""Marks of the static twin: bars, lines, points, error bars, texts and heat maps."""

from collections import defaultdict
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from wikitopics.show.png.values import array, colour, each, ink_on, number, points, ramp, words
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

GAP = 0.2  # of a bar's place is left empty where the layout says nothing, as in plotly


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
        _point_texts(axes, trace, xs, ys)


def _error_bars(axes: Axes, xs, ys, error: Any, direction: str, default: Any) -> None:
    lengths = np.vstack([array(error.arrayminus), array(error.array)])
    axes.errorbar(
        xs,
        ys,
        xerr=lengths if direction == "x" else None,
        yerr=lengths if direction == "y" else None,
        fmt="none",
        ecolor=colour(error.color) if error.color else default,
        elinewidth=points(1.5),
        capsize=points(3),
        capthick=points(1.5),
    )


def _markers(axes: Axes, trace: Any, xs, ys, line: Any) -> None:
    form, hollow = marker(trace.marker.symbol)
    fill = colour(trace.marker.color, trace.marker.opacity) if trace.marker.color else line
    many = len(xs) > MANY
    axes.scatter(
        xs,
        ys,
        s=points(trace.marker.size or 6) ** 2,
        marker=form,
        facecolors="none" if hollow else [fill],
        edgecolors=[fill] if hollow else "none",
        linewidths=points(1.5 if hollow else 0),
        zorder=3,
        antialiased=not many,
        snap=True if many else None,
    )


def _point_texts(axes: Axes, trace: Any, xs, ys) -> None:
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


def bars(axes: Axes, traces: list[tuple[Any, str]], x: Any, y: Any, layout: Any) -> None:
    """All bar traces of a panel, grouped, stacked or overlaid as the layout says; (trace, colour) pairs."""
    mode = layout.barmode or "group"
    share = len(traces) if mode == "group" else 1
    gap = GAP if layout.bargap is None else layout.bargap
    tops: dict[float, float] = defaultdict(float)
    for i, (trace, default) in enumerate(traces):
        sideways = trace.orientation == "h"
        at, size = (y.at(trace.y), x.at(trace.x)) if sideways else (x.at(trace.x), y.at(trace.y))
        width = (1 - gap) * _unit(at) / share
        shift = (i - (share - 1) / 2) * width if mode == "group" else 0.0
        base = _stacked(at, size, tops) if mode == "stack" else np.zeros(len(size))
        _draw(axes, trace, default, at + shift, size, width, base)


def _unit(at: np.ndarray) -> float:
    steps = np.diff(np.unique(at[np.isfinite(at)]))
    return float(steps.min()) if len(steps) else 1.0


def _stacked(at: np.ndarray, size: np.ndarray, tops: dict[float, float]) -> np.ndarray:
    base = np.array([tops[where] for where in at])
    for where, value in zip(at, size, strict=True):
        tops[where] += value if np.isfinite(value) else 0.0
    return base


def _draw(axes: Axes, trace: Any, default: str, at, size, width: float, base) -> None:
    sideways = trace.orientation == "h"
    fill = colour(trace.marker.color or default)
    draw = axes.barh if sideways else axes.bar
    lengths = {"left": base, "height": width} if sideways else {"bottom": base, "width": width}
    for bar in draw(at, size, color=fill, linewidth=0, **lengths):
        for edges in (bar.sticky_edges.x, bar.sticky_edges.y):
            edges[:] = [edge for edge in edges if edge == 0]  # only the ground ends an axis without a margin
    if trace.text is not None:
        _bar_texts(axes, trace.text, at, base + size, sideways)


def _bar_texts(axes: Axes, texts: Any, at, ends, sideways: bool) -> None:
    for text, where, end in zip(array(texts), at, ends, strict=True):
        axes.annotate(
            words(number(text)),
            (end, where) if sideways else (where, end),
            xytext=(3, 0) if sideways else (0, 2),
            textcoords="offset points",
            ha="left" if sideways else "center",
            va="center" if sideways else "bottom",
            fontsize=points(11),
            color=INK,
            annotation_clip=False,
        )


def heatmap(axes: Axes, trace: Any, x: Any, y: Any) -> Any:
    """One heat map with its texts; what a colour bar needs is returned."""
    z = array(trace.z).astype(float)
    colours, norm = ramp(trace.colorscale), _norm(z, trace.zmin, trace.zmax)
    columns, rows = x.at(trace.x), y.at(trace.y)
    mesh = axes.pcolormesh(
        _borders(columns), _borders(rows), np.ma.masked_invalid(z), cmap=colours, norm=norm
    )
    if trace.text is not None:
        _cells(axes, trace.text, columns, rows, z, colours(norm(z)))
    return mesh


def _norm(z: np.ndarray, low: float | None, high: float | None) -> Normalize:
    low = np.nanmin(z) if low is None else low
    high = np.nanmax(z) if high is None else high
    return Normalize(low, high if high > low else low + 1)


def _borders(centres: np.ndarray) -> np.ndarray:
    if len(centres) == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middles = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middles[0]], middles, [2 * centres[-1] - middles[-1]]])


def _cells(axes: Axes, texts: Any, columns, rows, z, colours) -> None:
    size = points(min(12, 340 / max(z.shape)))
    for i, j in np.ndindex(z.shape):
        if np.isfinite(z[i, j]):
            ink = ink_on(colours[i, j])
            at = (columns[j], rows[i])
            axes.text(*at, words(texts[i][j]), ha="center", va="center", fontsize=size, color=ink)
