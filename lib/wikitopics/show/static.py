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
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from wikitopics.errors import UserError
from wikitopics.show import static_bars, static_lines, static_marks, static_trees
from wikitopics.show.static_axes import Scale, dress, finish
from wikitopics.show.static_values import array, points, words
from wikitopics.show.theme import HEIGHT, INK, PALETTE, WIDTH

SHARPNESS = 2  # image pixels per CSS pixel
TREES = {"sunburst": static_trees.sunburst, "treemap": static_trees.treemap}
KNOWN = {"bar", "scatter", "scattergl", "heatmap", "histogram", "box", *TREES}
EDGE = 14  # CSS pixels of white around everything


class Page:
    """One figure being drawn: its panels by pair of axis names, its scales by axis name."""

    def __init__(self, figure: go.Figure) -> None:
        self.layout = figure.layout
        self.colorway = self.layout.colorway or self.layout.template.layout.colorway or PALETTE
        visible = [trace for trace in figure.data if trace.visible not in (False, "legendonly")]
        self.traces = [(trace, self.colorway[i % len(self.colorway)]) for i, trace in enumerate(visible)]
        self.width, self.height = self.layout.width or WIDTH, self.layout.height or HEIGHT
        self.canvas = Figure(figsize=(self.width / 100, self.height / 100), dpi=100 * SHARPNESS)
        FigureCanvasAgg(self.canvas)
        self.panels: dict[tuple[str, str], Axes] = {}
        self.scales: dict[str, Scale] = {}
        self.margins = [EDGE, EDGE, EDGE, self._title_height()]  # left, right, bottom, top

    def _title_height(self) -> float:
        text = self.layout.title.text
        return 20 + 22 * (1 + text.count("<br>")) if text else EDGE

    def paper(self, x: float, y: float) -> tuple[float, float]:
        """A point of the panels' common area (0..1) as a point of the page (0..1)."""
        left, right, bottom, top = self.margins
        across, up = self.width - left - right, self.height - bottom - top
        return (left + x * across) / self.width, (bottom + y * up) / self.height

    def panel(self, xref: str, yref: str) -> Axes:
        """The panel that a shape's or annotation's references mean."""
        names = (xref.removesuffix(" domain"), yref.removesuffix(" domain"))
        for (x, y), axes in self.panels.items():
            if names[0] in (x, "paper") and names[1] in (y, "paper"):
                return axes
        return next(iter(self.panels.values()))

    def place(self, axes: Axes, across: Any, up: Any) -> None:
        """Put a panel at its domains."""
        (x0, y0), (x1, y1) = self.paper(across[0], up[0]), self.paper(across[1], up[1])
        axes.set_position((x0, y0, x1 - x0, y1 - y0))


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
    page = Page(figure)
    # The first drawing says how much room the tick labels take; the second one leaves it.
    _draw(page)
    _fit(page)
    _draw(page)
    return _image(page.canvas)


def _draw(page: Page) -> None:
    page.canvas.clear()
    page.panels.clear()
    page.scales.clear()
    _title(page)
    panels = _panels(page)
    for (x, y), traces in panels.items():
        _data(page, page.panels[x, y], traces, page.scales[x], page.scales[y])
    for trace, _ in page.traces:
        if trace.type in TREES:
            axes = page.canvas.add_axes((0, 0, 1, 1))
            page.place(axes, trace.domain.x or (0, 1), trace.domain.y or (0, 1))
            TREES[trace.type](axes, trace, page.layout.sunburstcolorway or page.colorway)
    for (x, y), axes in page.panels.items():
        finish(axes, "x", page.scales[x])
        finish(axes, "y", page.scales[y])
    _match(page)
    static_marks.shapes(page)
    static_marks.annotations(page)
    static_marks.legend(page)


def _title(page: Page) -> None:
    if page.layout.title.text:
        text, size = words(page.layout.title.text), points(page.layout.title.font.size or 17)
        at = (EDGE / page.width, 1 - 14 / page.height)
        page.canvas.text(*at, text, ha="left", va="top", fontsize=size, color=INK)


def _panels(page: Page) -> dict[tuple[str, str], list]:
    """Make the panels and teach the scales what they hold; traces by panel."""
    panels: dict[tuple[str, str], list] = defaultdict(list)
    for trace, shade in page.traces:
        if trace.type in TREES:
            continue
        x, y = trace.xaxis or "x", trace.yaxis or "y"
        panels[x, y].append((trace, shade))
        for name, values in ((x, trace.x), (y, trace.y)):
            if name not in page.scales:
                page.scales[name] = Scale(page.layout[f"{name[0]}axis{name[1:]}"])
            if not isinstance(values, type(None)):
                page.scales[name].meet(values)
    for x, y in panels:
        across, up = page.scales[x].settings, page.scales[y].settings
        under = page.scales.get(up.overlaying)
        axes = page.canvas.add_axes((0, 0, 1, 1), facecolor="none" if under else "white")
        dress(axes)
        page.place(axes, across.domain or (0, 1), (under.settings if under else up).domain or (0, 1))
        if up.side == "right":
            axes.yaxis.tick_right()
            axes.yaxis.set_label_position("right")
        page.panels[x, y] = axes
    return panels


def _data(page: Page, axes: Axes, traces: list, x: Scale, y: Scale) -> None:
    columns = [(trace, shade) for trace, shade in traces if trace.type == "bar"]
    for scale, by, size in ((x, "x", "y"), (y, "y", "x")):
        scale.sort(_totals(columns, by, size))
    static_bars.bars(axes, columns, x, y, page.layout)
    before, boxes = None, 0
    for trace, shade in traces:
        if trace.type in ("scatter", "scattergl"):
            before = static_lines.scatter(axes, trace, shade, x, y, before)
        elif trace.type == "heatmap":
            _heat(page, axes, trace, x, y)
        elif trace.type == "histogram":
            static_bars.histogram(axes, trace, shade, page.layout)
        elif trace.type == "box":
            _box(axes, trace, shade, x, y, boxes)
            boxes += 1


def _box(axes: Axes, trace: Any, shade: str, x: Scale, y: Scale, place: int) -> None:
    """A box without a category of its own stands on its name, as in plotly."""
    sideways = trace.orientation == "h" or (trace.y is None and trace.x is not None)
    scale, groups = (y, trace.y) if sideways else (x, trace.x)
    if groups is None:
        scale.kind = "category"
        scale.categories[trace.name or f"trace {place}"] = place
    static_bars.box(axes, trace, shade, x, y, place)


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
    mesh = static_lines.heatmap(axes, trace, x, y, shared)
    if (shared.showscale if shared is not None else trace.showscale) is not False:
        bar = (shared if shared is not None else trace).colorbar
        static_marks.colour_bar(page.canvas, mesh, axes, bar)


def _match(page: Page) -> None:
    """Axes that plotly `matches` get the same limits."""
    for which in ("x", "y"):
        groups: dict[str, list[Axes]] = defaultdict(list)
        for names, axes in page.panels.items():
            name = names[which == "y"]
            groups[page.scales[name].settings.matches or name].append(axes)
        for together in groups.values():
            limits = [getattr(axes, f"get_{which}lim")() for axes in together]
            if len(together) > 1 and limits[0][0] < limits[0][1]:
                ends = (min(low for low, _ in limits), max(high for _, high in limits))
                for axes in together:
                    getattr(axes, f"set_{which}lim")(*ends)


def _fit(page: Page) -> None:
    """Widen the margins by what stands out of the page after the first drawing."""
    renderer = page.canvas.canvas.get_renderer()
    boxes = [artist.get_tightbbox(renderer) for artist in (*page.canvas.axes, *page.canvas.legends)]
    boxes = [box for box in boxes if box is not None]
    if not boxes:
        return
    scale = SHARPNESS
    page.margins[0] += max(0.0, EDGE - min(box.x0 for box in boxes) / scale)
    page.margins[1] += max(0.0, max(box.x1 for box in boxes) / scale - (page.width - EDGE))
    page.margins[2] += max(0.0, EDGE - min(box.y0 for box in boxes) / scale)
    page.margins[3] += max(0.0, max(box.y1 for box in boxes) / scale - (page.height - page._title_height()))


def _image(canvas: Figure) -> Image.Image:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="rgba", facecolor="white")
    width, height = canvas.canvas.get_width_height()
    return Image.frombytes("RGBA", (width, height), buffer.getvalue()).convert("RGB")
