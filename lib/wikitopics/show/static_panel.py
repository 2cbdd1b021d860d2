"""One panel of the static twin: its traces in their order, on its axes."""

from collections import defaultdict
from typing import Any

from matplotlib.axes import Axes

from wikitopics.show import static_bars, static_distributions, static_heat, static_legend, static_lines
from wikitopics.show.static_axes import Scale
from wikitopics.show.static_page import Page
from wikitopics.show.static_values import array


def panel(page: Page, axes: Axes, traces: list, x: Scale, y: Scale) -> None:
    """Draw the traces of one panel, bars first, since they decide the order of categories."""
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
