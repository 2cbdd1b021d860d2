"""Heat maps of the static twin."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from wikitopics.show.static_values import array, ink_on, points, ramp, words


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
            style = {"fontsize": size, "color": ink_on(colours[i, j])}
            axes.text(columns[j], rows[i], words(texts[i][j]), ha="center", va="center", **style)
