"""Legend and colour bar of the static twin, its reference lines and annotations."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory

from wikitopics.show.png.marks import dash, marker
from wikitopics.show.png.values import colour, number, points, words
from wikitopics.show.theme import INK, MUTED

ALIGN = {"left": "left", "right": "right", "top": "top", "bottom": "bottom"}  # else in the middle


def legend(page: Any) -> None:
    """The legend, right of the panels or in a row where the layout puts it; none for a single trace."""
    entries = [(trace, shade) for trace, shade in page.traces if _in_legend(trace)]
    if not entries or (len(entries) < 2 and entries[0][0].showlegend is None):
        return
    settings = page.layout.legend
    flat = settings.orientation == "h"
    page.canvas.legend(
        [_key(trace, shade) for trace, shade in entries],
        [words(trace.name) for trace, _ in entries],
        loc="lower left" if settings.yanchor == "bottom" else "upper left",
        bbox_to_anchor=page.paper(settings.x, settings.y) if flat else page.paper(1.02, 1.0),
        ncols=_columns(entries) if flat else 1,
        fontsize=points(12),
        frameon=True,
        facecolor=(1, 1, 1, 0.8),
        edgecolor="none",
        handlelength=1.8,
        borderaxespad=0,
        alignment="left",
    )


def _columns(entries: list) -> int:
    longest = max(len(str(trace.name)) for trace, _ in entries)
    return max(1, min(len(entries), int(105 / (longest + 6))))


def _in_legend(trace: Any) -> bool:
    return trace.type in ("bar", "scatter") and trace.showlegend is not False and bool(trace.name)


def _key(trace: Any, shade: str) -> Any:
    if trace.type == "bar":
        return Patch(facecolor=colour(trace.marker.color or shade), edgecolor="white", linewidth=0)
    lines, markers = "lines" in trace.mode, "markers" in trace.mode
    fill = colour((trace.line.color if lines else trace.marker.color) or shade)
    form, hollow = marker(trace.marker.symbol)
    return Line2D(
        [],
        [],
        color=fill,
        lw=points(trace.line.width or 2) if lines else 0,
        ls=dash(trace.line.dash),
        marker=form if markers else "None",
        markersize=points(trace.marker.size or 6),
        markerfacecolor="none" if hollow else fill,
        markeredgecolor=fill,
    )


def colour_bar(canvas: Figure, mesh: Any, panel: Any, bar: Any) -> None:
    """A colour bar right of its panel, with its title above."""
    place = panel.get_position()
    width = canvas.get_figwidth() * 100
    axes = canvas.add_axes((place.x1 + 0.02, place.y0, 12 / width, place.height))
    canvas.colorbar(mesh, cax=axes)
    axes.yaxis.set_major_formatter(lambda value, _: number(value))
    axes.tick_params(length=0, labelsize=points(11), labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.get_children()[-1].set_visible(True)
    axes.set_title(words(bar.title.text or ""), fontsize=points(12), color=INK, loc="left", pad=6)


def lines(page: Any) -> None:
    """The layout's lines: thresholds, zero, what chance gives."""
    for shape in page.layout.shapes:
        panel, transform = _place(page, shape)
        panel.add_line(
            Line2D(
                [shape.x0, shape.x1],
                [shape.y0, shape.y1],
                color=colour(shape.line.color or MUTED),
                lw=points(shape.line.width or 2),
                ls=dash(shape.line.dash),
                transform=transform,
                zorder=2,
                clip_on=False,
            )
        )


def annotations(page: Any) -> list:
    """The layout's texts, without arrows; the artists made."""
    return [_annotate(page, note) for note in page.layout.annotations]


def _annotate(page: Any, note: Any) -> Any:
    panel, transform = _place(page, note)
    return panel.annotate(
        words(note.text or ""),
        (note.x, note.y),
        xycoords=transform,
        xytext=(0, 0),
        textcoords="offset points",
        ha=ALIGN.get(note.xanchor, "center"),
        va=ALIGN.get(note.yanchor, "center"),
        fontsize=points(note.font.size or 12),
        color=colour(note.font.color or INK),
        annotation_clip=False,
    )


def _place(page: Any, mark: Any) -> tuple[Axes, Any]:
    """The panel of a line or a text, and what its numbers mean there: data, or shares of the panel."""
    (x, *within_x), (y, *within_y) = mark.xref.split(), mark.yref.split()
    panel = page.panels[x, y]
    return panel, blended_transform_factory(
        panel.transAxes if within_x else panel.transData, panel.transAxes if within_y else panel.transData
    )
