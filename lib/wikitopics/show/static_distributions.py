"""Histograms and boxes of the static twin."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from wikitopics.show.static_bars import mark_colours
from wikitopics.show.static_values import array, colour, points


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
