"""Bars, histograms and boxes of the static twin."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from wikitopics.show.static_values import (
    array,
    colour,
    each,
    filled,
    ink_on,
    number,
    points,
    ramp_colours,
    words,
)
from wikitopics.show.theme import INK

HATCHES = {"/": "//", "\\": "\\\\", "x": "xx", "-": "--", "|": "||", "+": "++", ".": ".."}


def bars(axes: Axes, traces: list[tuple[Any, str]], x: Any, y: Any, layout: Any) -> None:
    """All bar traces of a panel, grouped, stacked or overlaid as the layout says; (trace, colour) pairs."""
    mode = layout.barmode or "group"
    share = len(traces) if mode == "group" else 1
    gap = layout.bargap if layout.bargap is not None else 0.2
    above: dict[float, float] = {}
    below: dict[float, float] = {}
    for i, (trace, default) in enumerate(traces):
        sideways = trace.orientation == "h"
        at, size = (y.at(trace.y), x.at(trace.x)) if sideways else (x.at(trace.x), y.at(trace.y))
        if not len(at):
            at = np.arange(len(size), dtype=float)
        unit = _unit(at)
        width = (1 - gap) * unit / share
        shift = (i - (share - 1) / 2) * width if mode == "group" else 0.0
        base = array(trace.base) if trace.base is not None else np.zeros(len(size))
        if mode in ("stack", "relative"):
            base = _stacked(at, size, above, below)
        widths = np.array(each(trace.width, len(size), width), dtype=float)
        _draw(axes, trace, default, at + shift, size, widths, np.broadcast_to(base, size.shape), sideways)


def _unit(at: np.ndarray) -> float:
    steps = np.diff(np.unique(at[np.isfinite(at)]))
    return float(steps.min()) if len(steps) else 1.0


def _stacked(at: np.ndarray, size: np.ndarray, above: dict, below: dict) -> np.ndarray:
    base = np.zeros(len(size))
    for i, (where, value) in enumerate(zip(at, size, strict=True)):
        pile = above if value >= 0 else below
        base[i] = pile.get(where, 0.0)
        pile[where] = base[i] + (value if np.isfinite(value) else 0.0)
    return base


def _draw(axes: Axes, trace: Any, default: str, at, size, widths, base, sideways: bool) -> None:
    fills = mark_colours(trace.marker, len(size), default, trace.opacity)
    draw = axes.barh if sideways else axes.bar
    lengths = {"left": base, "height": widths} if sideways else {"bottom": base, "width": widths}
    hatch = trace.marker.pattern.shape
    hatch = HATCHES.get(hatch) if isinstance(hatch, str) else None
    for bar in draw(at, size, color=fills, linewidth=0, hatch=hatch, edgecolor="#FFFFFF", **lengths):
        for edges in (bar.sticky_edges.x, bar.sticky_edges.y):
            edges[:] = [edge for edge in edges if edge == 0]  # only the ground ends an axis without a margin
    for error, ends, kind in ((trace.error_y, base + size, "y"), (trace.error_x, base + size, "x")):
        if error.array is not None:
            place = (ends, at) if sideways else (at, ends)
            whiskers(axes, *place, error, kind, INK)
    if trace.text is not None or trace.texttemplate:
        _texts(axes, trace, at, size, base, fills, sideways)


def _texts(axes: Axes, trace: Any, at, size, base, fills, sideways: bool) -> None:
    inside = trace.textposition == "inside"
    for i, text in enumerate(each(trace.text, len(size), "")):
        if trace.texttemplate:
            value = {"x": size[i], "y": at[i]} if sideways else {"x": at[i], "y": size[i]}
            text = filled(trace.texttemplate, text=text, value=size[i], label=text, **value)
        end = base[i] + (size[i] / 2 if inside else size[i])
        place, away = ((end, at[i]), (3, 0)) if sideways else ((at[i], end), (0, 2))
        align = (
            ("center" if inside else "left", "center")
            if sideways
            else ("center", "center" if inside else "bottom")
        )
        axes.annotate(
            words(number(text)),
            place,
            xytext=(0, 0) if inside else away,
            textcoords="offset points",
            ha=align[0],
            va=align[1],
            fontsize=points(11),
            color=ink_on(fills[i]) if inside else INK,
            annotation_clip=False,
        )


def mark_colours(marker: Any, n: int, default: str, opacity: float | None = None) -> list:
    """The colour of each of `n` marks: one for all, one each, or numbers on a colour scale."""
    opacity = marker.opacity if isinstance(marker.opacity, int | float) else opacity
    given = array(marker.color) if marker.color is not None and not isinstance(marker.color, str) else None
    if given is not None and given.dtype != object:
        return [tuple(c) for c in ramp_colours(given, marker.colorscale, marker.cmin, marker.cmax)]
    return [colour(name, opacity) for name in each(marker.color, n, default)]


def whiskers(axes: Axes, x, y, error: Any, kind: str, default: Any) -> None:
    """Error bars of one trace in one direction ("x" or "y")."""
    plus = array(error.array)
    minus = array(error.arrayminus) if error.arrayminus is not None else plus
    axes.errorbar(
        x,
        y,
        **{f"{kind}err": np.vstack([minus, plus])},
        fmt="none",
        ecolor=colour(error.color) if error.color else default,
        elinewidth=points(error.thickness or 1.5),
        capsize=points(error.width if error.width is not None else 3),
        capthick=points(error.thickness or 1.5),
    )


def histogram(axes: Axes, trace: Any, default: str, layout: Any) -> None:
    """One histogram, binned as the trace says (`xbins`, `nbinsx`) or by numpy's "auto" rule."""
    sideways = trace.x is None
    values = array(trace.y if sideways else trace.x).astype(float)
    values = values[np.isfinite(values)]
    edges = _edges(
        values, trace.ybins if sideways else trace.xbins, trace.nbinsy if sideways else trace.nbinsx
    )
    counts, edges = np.histogram(values, bins=edges)
    counts = counts.astype(float)
    if trace.histnorm and "probability" in trace.histnorm:
        counts /= max(counts.sum(), 1)
    elif trace.histnorm == "percent":
        counts *= 100 / max(counts.sum(), 1)
    fill = mark_colours(trace.marker, 1, default, trace.opacity)[0]
    draw = axes.barh if sideways else axes.bar
    thickness = np.diff(edges) * (1 - (layout.bargap or 0.0))
    draw((edges[:-1] + edges[1:]) / 2, counts, thickness, color=[fill], linewidth=0)


def _edges(values: np.ndarray, bins: Any, count: int | None) -> Any:
    if bins is not None and bins.size is not None:
        start = bins.start if bins.start is not None else values.min()
        end = bins.end if bins.end is not None else values.max()
        return np.arange(start, end + bins.size * 0.999, bins.size)
    if not len(values) or values.min() == values.max():
        return count or 10
    return _nice_edges(values, count or min(60, 2 * len(values) ** 0.4))


def _nice_edges(values: np.ndarray, count: float) -> np.ndarray:
    """Bins of a round width (1, 2 or 5 times a power of ten), about `count` of them, as plotly picks them."""
    rough = (values.max() - values.min()) / count
    power = 10.0 ** np.floor(np.log10(rough))
    width = next(step * power for step in (1, 2, 5, 10) if step * power >= rough * 0.999)
    first = np.floor(values.min() / width) * width
    return first + width * np.arange(np.ceil((values.max() - first) / width + 1e-9) + 1)


def box(axes: Axes, trace: Any, default: str, x: Any, y: Any, place: int) -> None:
    """The boxes of one trace: one, or one per category of its other axis."""
    sideways = trace.orientation == "h" or (trace.y is None and trace.x is not None)
    values, groups, scale = (trace.x, trace.y, y) if sideways else (trace.y, trace.x, x)
    values = array(values).astype(float)
    at = scale.at(groups) if groups is not None else np.full(len(values), float(place))
    line = colour(trace.line.color or trace.marker.color or default)
    axes.boxplot(
        [values[(at == where) & np.isfinite(values)] for where in np.unique(at)],
        positions=np.unique(at),
        orientation="horizontal" if sideways else "vertical",
        widths=0.5,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": (*line[:3], 0.5), "edgecolor": line},
        medianprops={"color": line, "linewidth": points(2)},
        whiskerprops={"color": line},
        capprops={"color": line},
        flierprops={
            "marker": "o",
            "markersize": points(6),
            "markerfacecolor": line,
            "markeredgecolor": "none",
        },
        showfliers=trace.boxpoints is not False,
    )
