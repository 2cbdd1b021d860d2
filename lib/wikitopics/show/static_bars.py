"""Bars of the static twin."""

from collections import defaultdict
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from wikitopics.show.static_values import array, colour, number, points, words
from wikitopics.show.theme import INK

GAP = 0.2  # of a bar's place is left empty where the layout says nothing, as in plotly


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
        _texts(axes, trace.text, at, base + size, sideways)


def _texts(axes: Axes, texts: Any, at, ends, sideways: bool) -> None:
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
