"""What lies on top of the data of the static twin: reference lines and their names."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import blended_transform_factory

from wikitopics.show.static_lines import dash
from wikitopics.show.static_values import colour, points, words
from wikitopics.show.theme import INK, MUTED

ALIGN = {"left": "left", "right": "right", "top": "top", "bottom": "bottom"}  # else in the middle


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
