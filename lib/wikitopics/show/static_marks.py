"""What lies on top of the data of the static twin: reference lines and annotations."""

from typing import Any

from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from wikitopics.show.static_lines import dash
from wikitopics.show.static_values import colour, points, words
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
