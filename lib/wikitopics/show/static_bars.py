"""Bars of the static twin, and what other marks share with them: colours and error bars."""

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
