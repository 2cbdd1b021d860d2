"""One panel of the static twin: its traces in their order, on its axes."""

from matplotlib.axes import Axes

from wikitopics.show import static_bars, static_heat, static_legend, static_lines
from wikitopics.show.static_axes import Scale
from wikitopics.show.static_page import Page


def panel(page: Page, axes: Axes, traces: list, x: Scale, y: Scale) -> None:
    """Draw the traces of one panel, bars first."""
    axes.margins(*_margins(traces))
    columns = [(trace, shade) for trace, shade in traces if trace.type == "bar"]
    static_bars.bars(axes, columns, x, y, page.layout)
    for trace, shade in traces:
        if trace.type == "scatter":
            static_lines.scatter(axes, trace, shade, x, y)
        elif trace.type == "heatmap":
            mesh = static_heat.heatmap(axes, trace, x, y)
            static_legend.colour_bar(page.canvas, mesh, axes, trace.colorbar)


def _margins(traces: list) -> tuple[float, float]:
    """Empty share at each end of the x and y axis: none where only lines run, more where bars carry texts."""
    only_lines = all(trace.type == "scatter" and trace.mode == "lines" for trace, _ in traces)
    told = [trace for trace, _ in traces if trace.type == "bar" and trace.text is not None]
    sideways = any(trace.orientation == "h" for trace in told)
    across = 0.0 if only_lines else 0.09 if sideways else 0.04
    return across, 0.08 if told and not sideways else 0.05
