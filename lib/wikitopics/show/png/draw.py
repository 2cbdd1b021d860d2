"""The static twin of a plotly figure, drawn with matplotlib: no browser, no global state.

Understood is what the laboratory's figures use: bars, lines and points, heat maps and sunbursts, panels by
domain, category and log axes, legends, colour bars, reference lines and their names. Colours are plotly's
own. A trace of another kind is refused, so that no figure is silently empty on a code host.
"""

import io
from collections import defaultdict
from typing import Any

import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from wikitopics.errors import UserError
from wikitopics.show.png import legend, marks, sunburst
from wikitopics.show.png.axes import Scale, dress, finish
from wikitopics.show.png.values import points, words
from wikitopics.show.theme import HEIGHT, INK, PALETTE, WIDTH

SHARPNESS = 2  # image pixels per CSS pixel
EDGE = 14  # CSS pixels of white around everything
LEAST = 64  # CSS pixels that the panels keep however long the labels are, as in plotly

BANDED = {"bar", "heatmap"}  # they fill their category's band: no grid line in its middle
KNOWN = {"scatter", "sunburst", *BANDED}


class Page:
    """A figure being drawn: its panels by pair of axis names ("x2", "y"), its scales by axis name."""

    def __init__(self, figure: go.Figure) -> None:
        self.layout = figure.layout
        self.colorway = self.layout.colorway or self.layout.template.layout.colorway or PALETTE
        self.traces = [(trace, self.colorway[i % len(self.colorway)]) for i, trace in enumerate(figure.data)]
        self.width, self.height = WIDTH, self.layout.height or HEIGHT
        self.canvas = Figure(figsize=(self.width / 100, self.height / 100), dpi=100 * SHARPNESS)
        self.agg = FigureCanvasAgg(self.canvas)
        self.panels: dict[tuple[str, str], Axes] = {}
        self.scales: dict[str, Scale] = {}
        self.notes: list = []  # annotations, whose room counts
        self.turned: set[str] = set()  # x axes whose tick labels would overlap
        self.margins = [EDGE, EDGE, EDGE, self.title_height()]  # left, right, bottom, top, CSS pixels

    def title_height(self) -> float:
        """Room above the panels: for the title's lines, or just the edge."""
        text = self.layout.title.text
        return 24 + 22 * (1 + text.count("<br>")) if text else EDGE

    def clear(self) -> None:
        """An empty page with the margins learnt so far."""
        self.canvas.clear()
        self.panels.clear()
        self.scales.clear()
        self.notes.clear()

    def paper(self, x: float, y: float) -> tuple[float, float]:
        """A point of the panels' common area (0..1) as a point of the page (0..1)."""
        left, right, bottom, top = self.margins
        across, up = self.width - left - right, self.height - bottom - top
        return (left + x * across) / self.width, (bottom + y * up) / self.height

    def place(self, axes: Axes, across: Any, up: Any) -> None:
        """Put a panel at its domains."""
        (x0, y0), (x1, y1) = self.paper(across[0], up[0]), self.paper(across[1], up[1])
        axes.set_position((x0, y0, x1 - x0, y1 - y0))

    def open_panels(self) -> dict[tuple[str, str], list]:
        """Make the panels, teach the scales what they hold; (trace, colour) pairs by panel."""
        panels: dict[tuple[str, str], list] = defaultdict(list)
        for trace, shade in self.traces:
            if trace.type == "sunburst":
                continue
            x, y = trace.xaxis or "x", trace.yaxis or "y"
            panels[x, y].append((trace, shade))
            for name, values in ((x, trace.x), (y, trace.y)):
                scale = self.scales.setdefault(name, Scale(self.layout[f"{name[0]}axis{name[1:]}"]))
                scale.meet(values)
        for x, y in panels:
            self.panels[x, y] = self._panel(self.scales[x].settings, self.scales[y].settings)
        return panels

    def _panel(self, across: Any, up: Any) -> Axes:
        axes = self.canvas.add_axes((0, 0, 1, 1))
        dress(axes)
        self.place(axes, across.domain or (0, 1), up.domain or (0, 1))
        return axes

    def fit(self) -> bool:
        """Learn from a drawn page how wide the margins must be; True if tick labels must turn for room."""
        renderer = self.agg.get_renderer()
        artists = (*self.canvas.axes, *self.canvas.legends, *self.notes)
        boxes = [artist.get_tightbbox(renderer) for artist in artists]
        boxes = [box for box in boxes if box is not None]
        before = self.width - sum(self.margins[:2])
        if boxes:
            self._widen(boxes)
        shrunk = (self.width - sum(self.margins[:2])) / before
        crowded = {x for (x, _), axes in self.panels.items() if _crowded(axes, renderer, shrunk)}
        turning = bool(crowded - self.turned)
        self.turned |= crowded
        return turning

    def _widen(self, boxes: list) -> None:
        left, right, bottom, top = self.margins
        across = _within(
            self.width,
            left + max(0.0, EDGE - min(box.x0 for box in boxes) / SHARPNESS),
            right + max(0.0, max(box.x1 for box in boxes) / SHARPNESS - (self.width - EDGE)),
        )
        up = _within(
            self.height,
            bottom + max(0.0, EDGE - min(box.y0 for box in boxes) / SHARPNESS),
            top + max(0.0, max(box.y1 for box in boxes) / SHARPNESS - (self.height - self.title_height())),
        )
        self.margins = [*across, *up]


def _within(length: float, first: float, last: float) -> tuple[float, float]:
    """Two margins, in proportion smaller where they would leave less than LEAST of a page's length."""
    share = min(1.0, (length - LEAST) / (first + last))
    return first * share, last * share


def _crowded(axes: Axes, renderer: Any, shrunk: float) -> bool:
    """Whether neighbouring labels of the x axis touch when the panel keeps that share of its width."""
    boxes = [label.get_window_extent(renderer) for label in axes.get_xticklabels() if label.get_text()]
    spans = sorted(((box.x0 + box.x1) / 2 * shrunk, box.width / 2) for box in boxes if box.width)
    return any(
        b - a < wide_a + wide_b + 6 for (a, wide_a), (b, wide_b) in zip(spans, spans[1:], strict=False)
    )


def panel(page: Page, axes: Axes, traces: list, x: Scale, y: Scale) -> None:
    """Draw the traces of one panel, bars first."""
    axes.margins(*_margins(traces))
    columns = [(trace, shade) for trace, shade in traces if trace.type == "bar"]
    marks.bars(axes, columns, x, y, page.layout)
    for trace, shade in traces:
        if trace.type == "scatter":
            marks.scatter(axes, trace, shade, x, y)
        elif trace.type == "heatmap":
            mesh = marks.heatmap(axes, trace, x, y)
            legend.colour_bar(page.canvas, mesh, axes, trace.colorbar)


def _margins(traces: list) -> tuple[float, float]:
    """Empty share at each end of the x and y axis: none where only lines run, more where bars carry texts."""
    only_lines = all(trace.type == "scatter" and trace.mode == "lines" for trace, _ in traces)
    told = [trace for trace, _ in traces if trace.type == "bar" and trace.text is not None]
    sideways = any(trace.orientation == "h" for trace in told)
    across = 0.0 if only_lines else 0.09 if sideways else 0.04
    return across, 0.08 if told and not sideways else 0.05


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
            sunburst.sunburst(axes, trace, page.colorway)
    for (x, y), axes in page.panels.items():
        banded = any(trace.type in BANDED for trace, _ in panels[x, y])
        finish(axes, "x", page.scales[x], banded, turned=x in page.turned)
        finish(axes, "y", page.scales[y], banded)
    legend.lines(page)
    page.notes += legend.annotations(page)
    legend.legend(page)


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
