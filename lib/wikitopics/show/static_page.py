"""One page of the static twin: where its panels stand, and how much room their labels need."""

from collections import defaultdict
from typing import Any

import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from wikitopics.show.static_axes import Scale, dress
from wikitopics.show.theme import HEIGHT, PALETTE, WIDTH

SHARPNESS = 2  # image pixels per CSS pixel
EDGE = 14  # CSS pixels of white around everything
LEAST = 64  # CSS pixels that the panels keep however long the labels are, as in plotly


class Page:
    """A figure being drawn: its panels by pair of axis names ("x2", "y"), its scales by axis name."""

    def __init__(self, figure: go.Figure) -> None:
        self.layout = figure.layout
        self.colorway = self.layout.colorway or self.layout.template.layout.colorway or PALETTE
        self.traces = [(trace, self.colorway[i % len(self.colorway)]) for i, trace in enumerate(figure.data)]
        self.width, self.height = WIDTH, self.layout.height or HEIGHT
        self.canvas = Figure(figsize=(self.width / 100, self.height / 100), dpi=100 * SHARPNESS)
        FigureCanvasAgg(self.canvas)
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
        renderer = self.canvas.canvas.get_renderer()
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
