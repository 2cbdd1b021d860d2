"""Heat maps of the static twin."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from wikitopics.show.static_values import array, filled, ink_on, points, ramp, words


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
