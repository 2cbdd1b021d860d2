"""Legend and colour bar of the static twin."""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from wikitopics.show.static_bars import HATCHES
from wikitopics.show.static_lines import MARKERS, dash
from wikitopics.show.static_values import colour, number, points, words
from wikitopics.show.theme import INK


def legend(page: Any) -> Any:
    """The legend, right of the panels unless the layout puts it elsewhere; None if there is none."""
    entries = [(trace, shade) for trace, shade in page.traces if _in_legend(trace)]
    wanted = page.layout.showlegend
    if (
        wanted is False
        or not entries
        or (wanted is None and len(entries) < 2 and entries[0][0].showlegend is None)
    ):
        return None
    settings = page.layout.legend
    flat = settings.orientation == "h"
    x = settings.x if settings.x is not None else (0.0 if flat else 1.02)
    y = settings.y if settings.y is not None else (-0.12 if flat else 1.0)
    up = (
        settings.yanchor
        if settings.yanchor in ("top", "middle", "bottom")
        else ("top" if y > 0.66 or flat else "bottom")
    )
    across = settings.xanchor if settings.xanchor in ("left", "center", "right") else "left"
    where = (
        "center"
        if (up, across) == ("middle", "center")
        else f"{up} {across}".replace("middle", "center").replace("top", "upper").replace("bottom", "lower")
    )
    made = page.canvas.legend(
        [_key(trace, shade) for trace, shade in entries],
        [words(trace.name) for trace, _ in entries],
        loc=where,
        bbox_to_anchor=page.paper(x, y),
        ncols=_columns(entries) if flat else 1,
        title=words(settings.title.text) if settings.title.text else None,
        fontsize=points(12),
        title_fontsize=points(12),
        frameon=True,
        facecolor=(1, 1, 1, 0.8),
        edgecolor="none",
        handlelength=1.8,
        borderaxespad=0,
        alignment="left",
    )
    return made


def _columns(entries: list) -> int:
    longest = max(len(str(trace.name)) for trace, _ in entries)
    return max(1, min(len(entries), int(105 / (longest + 6))))


def _in_legend(trace: Any) -> bool:
    tree = trace.type in ("sunburst", "treemap", "heatmap")
    return not tree and trace.showlegend is not False and trace.visible is not False and bool(trace.name)


def _key(trace: Any, shade: str) -> Any:
    if trace.type in ("bar", "histogram", "box"):
        fill = trace.marker.color if isinstance(trace.marker.color, str) else shade
        shape = trace.marker.pattern.shape if trace.type != "box" else None
        hatch = HATCHES.get(shape) if isinstance(shape, str) else None
        return Patch(facecolor=colour(fill, trace.opacity), hatch=hatch, edgecolor="white", linewidth=0)
    mode = trace.mode or "lines+markers"
    given = trace.line.color if "lines" in mode else trace.marker.color
    fill = colour(given if isinstance(given, str) else trace.line.color or shade, trace.opacity)
    symbol = str(trace.marker.symbol or "circle") if isinstance(trace.marker.symbol, str | None) else "circle"
    size = trace.marker.size if isinstance(trace.marker.size, int | float) else 6
    return Line2D(
        [],
        [],
        color=fill,
        lw=points(trace.line.width if trace.line.width is not None else 2) if "lines" in mode else 0,
        ls=dash(trace.line.dash),
        marker=MARKERS.get(symbol.removesuffix("-open"), "o") if "markers" in mode else "None",
        markersize=points(size),
        markerfacecolor="none" if symbol.endswith("-open") else fill,
        markeredgecolor=fill,
    )


def colour_bar(canvas: Figure, mesh: Any, panel: Any, bar: Any) -> Any:
    """A colour bar right of its panel, with its title above; the axes made."""
    place = panel.get_position()
    width_px = canvas.get_figwidth() * 100
    x = place.x1 + (bar.x - 1 if bar.x is not None and bar.x > 1 else 0.02)
    length = (bar.len if bar.len is not None else 1.0) * place.height
    axes = canvas.add_axes((x, place.y1 - length, 12 / width_px, length))
    canvas.colorbar(mesh, cax=axes)
    axes.yaxis.set_major_formatter(lambda value, _: number(value, bar.tickformat))
    axes.tick_params(length=0, labelsize=points(11), labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.get_children()[-1].set_visible(True)
    if bar.title.text:
        axes.set_title(words(bar.title.text), fontsize=points(12), color=INK, loc="left", pad=6)
    return axes
