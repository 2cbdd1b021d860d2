"""The static twin of a plotly figure, drawn with matplotlib: no browser, no global state.

Understood are the traces the laboratory uses (bar, scatter, heat map, histogram, box, sunburst, treemap),
panels by domain, category and log axes, legends, colour bars, reference lines and annotations. Colours
are plotly's own. A trace of another kind is refused, so that no figure is silently empty on a code host.
"""

import io
from collections import defaultdict
from typing import Any

import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from wikitopics.errors import UserError
from wikitopics.show import (
    static_bars,
    static_distributions,
    static_heat,
    static_legend,
    static_lines,
    static_marks,
    static_trees,
)
from wikitopics.show.static_axes import Scale, finish
from wikitopics.show.static_page import EDGE, Page
from wikitopics.show.static_values import array, points, words
from wikitopics.show.theme import INK

TREES = {"sunburst": static_trees.sunburst, "treemap": static_trees.treemap}
BANDED = {"bar", "box", "heatmap"}  # they fill their category's band: no grid line in its middle
KNOWN = {"scatter", "scattergl", "histogram", *BANDED, *TREES}


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
    return any(trace.type.startswith("scatter") and "text" in (trace.mode or "") for trace in figure.data)


def _nothing_to_show(figure: go.Figure) -> go.Figure:
    """An empty figure says so on its axes: one without a trace would have none."""
    said = go.Figure(figure).add_scatter(
        x=[0.5], y=[0.5], mode="text", text=["nothing to show"], showlegend=False
    )
    return said.update_layout(shapes=[])


def _draw(page: Page) -> None:
    page.clear()
    _title(page)
    panels = page.open_panels(without=TREES)
    for (x, y), traces in panels.items():
        _data(page, page.panels[x, y], traces, page.scales[x], page.scales[y])
    for trace, _ in page.traces:
        if trace.type in TREES:
            _tree(page, trace)
    for (x, y), axes in page.panels.items():
        banded = any(trace.type in BANDED for trace, _ in panels[x, y])
        finish(axes, "x", page.scales[x], banded, turned=x in page.turned)
        finish(axes, "y", page.scales[y], banded)
    page.match()
    static_marks.shapes(page)
    page.notes += static_marks.annotations(page)
    static_legend.legend(page)


def _title(page: Page) -> None:
    if page.layout.title.text:
        text, size = words(page.layout.title.text), points(page.layout.title.font.size or 17)
        at = (EDGE / page.width, 1 - EDGE / page.height)
        page.canvas.text(*at, text, ha="left", va="top", fontsize=size, color=INK)


def _tree(page: Page, trace: Any) -> None:
    axes = page.canvas.add_axes((0, 0, 1, 1))
    page.place(axes, trace.domain.x or (0, 1), trace.domain.y or (0, 1))
    TREES[trace.type](axes, trace, page.colorway)


def _data(page: Page, axes: Axes, traces: list, x: Scale, y: Scale) -> None:
    columns = [(trace, shade) for trace, shade in traces if trace.type == "bar"]
    for scale, by, size in ((x, "x", "y"), (y, "y", "x")):
        scale.sort(_totals(columns, by, size))
    axes.margins(*_margins(traces))
    static_bars.bars(axes, columns, x, y, page.layout)
    before, boxes = None, 0
    for trace, shade in traces:
        if trace.type in ("scatter", "scattergl"):
            before = static_lines.scatter(axes, trace, shade, x, y, before)
        elif trace.type == "heatmap":
            _heat(page, axes, trace, x, y)
        elif trace.type == "histogram":
            static_distributions.histogram(axes, trace, shade, page.layout)
        elif trace.type == "box":
            _box(axes, trace, shade, x, y, boxes)
            boxes += 1


def _margins(traces: list) -> tuple[float, float]:
    """Empty share at each end of the x and y axis: none where only lines run, more where bars carry texts."""
    only_lines = all(trace.type.startswith("scatter") and trace.mode == "lines" for trace, _ in traces)
    told = [
        trace for trace, _ in traces if trace.type == "bar" and (trace.text is not None or trace.texttemplate)
    ]
    sideways = any(trace.orientation == "h" for trace in told)
    across = 0.0 if only_lines else 0.09 if sideways else 0.04
    return across, 0.08 if told and not sideways else 0.05


def _box(axes: Axes, trace: Any, shade: str, x: Scale, y: Scale, place: int) -> None:
    """A box without a category of its own stands on its name, as in plotly."""
    sideways = trace.orientation == "h" or (trace.y is None and trace.x is not None)
    scale, groups = (y, trace.y) if sideways else (x, trace.x)
    if groups is None:
        scale.kind = "category"
        scale.categories[trace.name or f"trace {place}"] = place
    static_distributions.box(axes, trace, shade, x, y, place)


def _totals(traces: list, by: str, size: str) -> dict[Any, float]:
    totals: dict[Any, float] = defaultdict(float)
    for trace, _ in traces:
        sizes = array(trace[size])
        if sizes.dtype != object:
            for name, value in zip(array(trace[by]), sizes, strict=False):
                totals[name] += value
    return totals


def _heat(page: Page, axes: Axes, trace: Any, x: Scale, y: Scale) -> None:
    shared = page.layout[trace.coloraxis] if trace.coloraxis else None
    mesh = static_heat.heatmap(axes, trace, x, y, shared)
    source = trace if shared is None else shared
    if source.showscale is not False:
        static_legend.colour_bar(page.canvas, mesh, axes, source.colorbar)


def _image(canvas: Figure) -> Image.Image:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="rgba", facecolor="white")
    size = canvas.canvas.get_width_height()
    return Image.frombytes("RGBA", size, buffer.getvalue()).convert("RGB")
