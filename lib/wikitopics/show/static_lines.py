"""Lines, points and heat maps of the static twin."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from wikitopics.show.static_bars import mark_colours, whiskers
from wikitopics.show.static_values import array, colour, each, filled, ink_on, number, points, ramp, words
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


def heatmap(axes: Axes, trace: Any, x: Any, y: Any, coloraxis: Any) -> Any:
    """One heat map with its texts; what a colour bar needs is returned."""
    z = array([list(row) for row in trace.z]) if not isinstance(trace.z, dict) else array(trace.z)
    z = z.astype(float)
    source = coloraxis if trace.coloraxis else trace
    low, high = (source.cmin, source.cmax) if trace.coloraxis else (source.zmin, source.zmax)
    colours, norm = ramp(source.colorscale), _norm(z, low, high, source)
    columns = x.at(trace.x) if trace.x is not None else np.arange(z.shape[1], dtype=float)
    rows = y.at(trace.y) if trace.y is not None else np.arange(z.shape[0], dtype=float)
    gap = {"edgecolors": "white", "linewidth": points(trace.xgap)} if trace.xgap else {}
    mesh = axes.pcolormesh(
        _borders(columns), _borders(rows), np.ma.masked_invalid(z), cmap=colours, norm=norm, **gap
    )
    if trace.texttemplate:
        _cells(axes, trace, columns, rows, z, colours(norm(z)))
    return mesh


def _norm(z: np.ndarray, low: Any, high: Any, source: Any) -> Normalize:
    low = np.nanmin(z) if low is None else low
    high = np.nanmax(z) if high is None else high
    middle = getattr(source, "zmid", None) if hasattr(source, "zmid") else getattr(source, "cmid", None)
    if middle is not None:
        reach = max(high - middle, middle - low)
        low, high = middle - reach, middle + reach
    return Normalize(low, high if high > low else low + 1)


def _borders(centres: np.ndarray) -> np.ndarray:
    if len(centres) == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middles = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middles[0]], middles, [2 * centres[-1] - middles[-1]]])


def _cells(axes: Axes, trace: Any, columns, rows, z, colours) -> None:
    texts = None if trace.text is None else [list(row) for row in trace.text]
    size = points(trace.textfont.size or min(12, 340 / max(z.shape)))
    for i, j in np.ndindex(z.shape):
        text = "" if texts is None else texts[i][j]
        if np.isfinite(z[i, j]):
            told = words(filled(trace.texttemplate, z=float(z[i, j]), text=text))
            axes.text(
                columns[j],
                rows[i],
                told,
                ha="center",
                va="center",
                fontsize=size,
                color=ink_on(colours[i, j]),
            )
