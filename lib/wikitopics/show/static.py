"""The static twin of a plotly figure, drawn with matplotlib: no browser, no global state.

Understood is what the laboratory's figures use: bars, lines and points, heat maps and sunbursts, panels by
domain, category and log axes, legends, colour bars, reference lines and their names. Colours are plotly's
own. A trace of another kind is refused, so that no figure is silently empty on a code host.
"""

import io

import plotly.graph_objects as go
from matplotlib.figure import Figure
from PIL import Image

from wikitopics.errors import UserError
from wikitopics.show import static_legend, static_marks, static_trees
from wikitopics.show.static_axes import finish
from wikitopics.show.static_page import EDGE, Page
from wikitopics.show.static_panel import panel
from wikitopics.show.static_values import points, words
from wikitopics.show.theme import INK

BANDED = {"bar", "heatmap"}  # they fill their category's band: no grid line in its middle
KNOWN = {"scatter", "sunburst", *BANDED}


def picture(figure: go.Figure) -> Image.Image:
    """The figure as an RGB image, two image pixels per CSS pixel (900 CSS pixels wide by default).

    Raises UserError for a trace type that has no twin.
    """
    for trace in figure.data:
        if trace.type not in KNOWN:
            raise UserError(
                f"a figure shown in a notebook must be made of {', '.join(sorted(KNOWN))}, but one trace is "
                f"{trace.type!r}; draw it with one of these, or show it with plotly alone"
            )
    page = Page(figure if figure.data else _nothing_to_show(figure))
    # The first drawing says how much room the labels take; the second one leaves it. Turned labels and
    # texts inside a panel, which move less than its edge does, take another round or two.
    _draw(page)
    again = page.fit() or _has_texts(figure)
    _draw(page)
    for _ in range(3 if again else 0):
        page.fit()
        _draw(page)
    return _image(page.canvas)


def _has_texts(figure: go.Figure) -> bool:
    return any(trace.type == "scatter" and "text" in trace.mode for trace in figure.data)


def _nothing_to_show(figure: go.Figure) -> go.Figure:
    """An empty figure says so on its axes: one without a trace would have none."""
    said = go.Figure(figure).add_scatter(
        x=[0.5], y=[0.5], mode="text", text=["nothing to show"], showlegend=False
    )
    return said.update_layout(shapes=[])


def _draw(page: Page) -> None:
    page.clear()
    _title(page)
    panels = page.open_panels()
    for (x, y), traces in panels.items():
        panel(page, page.panels[x, y], traces, page.scales[x], page.scales[y])
    for trace, _ in page.traces:
        if trace.type == "sunburst":
            axes = page.canvas.add_axes((0, 0, 1, 1))
            page.place(axes, (0, 1), (0, 1))
            static_trees.sunburst(axes, trace, page.colorway)
    for (x, y), axes in page.panels.items():
        banded = any(trace.type in BANDED for trace, _ in panels[x, y])
        finish(axes, "x", page.scales[x], banded, turned=x in page.turned)
        finish(axes, "y", page.scales[y], banded)
    static_marks.lines(page)
    page.notes += static_marks.annotations(page)
    static_legend.legend(page)


def _title(page: Page) -> None:
    if page.layout.title.text:
        text, size = words(page.layout.title.text), points(page.layout.title.font.size or 17)
        at = (EDGE / page.width, 1 - EDGE / page.height)
        page.canvas.text(*at, text, ha="left", va="top", fontsize=size, color=INK)


def _image(canvas: Figure) -> Image.Image:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="rgba", facecolor="white")
    size = canvas.canvas.get_width_height()
    return Image.frombytes("RGBA", size, buffer.getvalue()).convert("RGB")
