"""What lies on top of the data of the static twin: reference lines, annotations, legend, colour bar."""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from wikitopics.show.static_bars import HATCHES
from wikitopics.show.static_lines import MARKERS, dash
from wikitopics.show.static_values import colour, number, points, words
from wikitopics.show.theme import INK, MUTED

ALIGN = {
    "left": "left",
    "right": "right",
    "center": "center",
    "top": "top",
    "bottom": "bottom",
    "middle": "center",
}


def shapes(page: Any) -> None:
    """Lines and rectangles of the layout: thresholds, diagonals, bands."""
    for shape in page.layout.shapes or ():
        xref, yref = page.references(shape)
        panel = page.panel(xref, yref)
        (x0, x1), xs = _ends(page, xref, shape.x0, shape.x1)
        (y0, y1), ys = _ends(page, yref, shape.y0, shape.y1)
        transform = panel.transData if xs and ys else _blended(page, panel, xs, ys)
        line = colour(shape.line.color or MUTED, shape.opacity)
        behind = {"transform": transform, "zorder": 0.5 if shape.layer == "below" else 2, "clip_on": False}
        if shape.type == "rect":
            fill = colour(shape.fillcolor, shape.opacity) if shape.fillcolor else "none"
            width = points(shape.line.width if shape.line.width is not None else 2)
            panel.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fc=fill, ec=line, lw=width, **behind))
        else:
            width = points(shape.line.width if shape.line.width is not None else 2)
            panel.add_line(
                Line2D([x0, x1], [y0, y1], color=line, lw=width, ls=dash(shape.line.dash), **behind)
            )


def _ends(page: Any, ref: str, first: Any, last: Any) -> tuple[tuple[float, float], bool]:
    """Both ends, and whether they are data (else fractions of the panel or of the page)."""
    if ref == "paper" or ref.endswith("domain"):
        return (float(first), float(last)), False
    scale = page.scales[ref]
    ends = (first, last) if scale.kind != "log" else _undo_log(first, last)
    return (scale.point(ends[0]), scale.point(ends[1])), True


def _undo_log(first: Any, last: Any) -> tuple[float, float]:
    from math import log10

    return log10(first), log10(last)  # shapes give log axes plain numbers, annotations give exponents


def _blended(page: Any, panel: Any, x_is_data: bool, y_is_data: bool) -> Any:
    from matplotlib.transforms import blended_transform_factory

    return blended_transform_factory(
        panel.transData if x_is_data else panel.transAxes, panel.transData if y_is_data else panel.transAxes
    )


def annotations(page: Any) -> list:
    """Texts of the layout (panel titles among them), with arrows where they have them; the artists made."""
    made = []
    for note in page.layout.annotations or ():
        style = {
            "ha": ALIGN.get(note.xanchor, "center"),
            "va": ALIGN.get(note.yanchor, "center"),
            "fontsize": points(note.font.size or 12),
            "color": colour(note.font.color or INK),
        }
        made.append(_annotate(page, note, style))
    return made


def _annotate(page: Any, note: Any, style: dict) -> Any:
    text = words(note.text or "")
    xref, yref = page.references(note)
    if xref == "paper" and yref == "paper":
        x, y = page.paper(note.x, note.y)
        return page.canvas.text(x, y, text, **style)
    panel = page.panel(xref, yref)
    (x, _), xs = _place(page, xref, note.x)
    (y, _), ys = _place(page, yref, note.y)
    shift = (points(note.xshift or 0), points(note.yshift or 0))
    arrow = None
    if note.showarrow is not False:
        shift = (
            points(note.ax if note.ax is not None else -10),
            -points(note.ay if note.ay is not None else -30),
        )
        arrow = {
            "arrowstyle": "->",
            "color": colour(note.arrowcolor or MUTED),
            "lw": points(note.arrowwidth or 1),
        }
    coordinates = panel.transData if xs and ys else _blended(page, panel, xs, ys)
    return panel.annotate(
        text,
        (x, y),
        xycoords=coordinates,
        xytext=shift,
        textcoords="offset points",
        arrowprops=arrow,
        annotation_clip=False,
        **style,
    )


def _place(page: Any, ref: str, at: Any) -> tuple[tuple[float, float], bool]:
    if ref == "paper" or ref.endswith("domain"):
        return (float(at), 0.0), False
    return (page.scales[ref].point(at), 0.0), True


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
