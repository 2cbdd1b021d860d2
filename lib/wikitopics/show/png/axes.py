"""Axes of the static twin: plotly's scales, ranges and ticks on matplotlib's axes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from wikitopics.show.png.values import array, number, points, words
from wikitopics.show.theme import GRID, INK, MUTED

CATEGORY_PIXELS = 9  # a tick label needs this much height at the least


@dataclass
class Scale:
    """One plotly axis: its settings, its kind (linear, log, category) and the categories met, in order."""

    settings: Any  # go.layout.XAxis or YAxis
    kind: str = "linear"
    categories: dict[Any, int] = field(default_factory=dict)

    def meet(self, values: Any) -> None:
        """Learn kind and categories from the values of one trace."""
        values = array(values)
        declared = self.settings.type
        if declared == "category" or (declared in (None, "-") and values.dtype == object and len(values)):
            self.kind = "category"
            for value in [*(self.settings.categoryarray or ()), *values]:
                self.categories.setdefault(value, len(self.categories))
        elif declared == "log":
            self.kind = "log"

    def at(self, values: Any) -> np.ndarray:
        """Positions of values on the axis, as floats."""
        values = array(values)
        if self.kind == "category":
            return np.array([self.categories.get(value, np.nan) for value in values], dtype=float)
        return values.astype(float)


def dress(axes: Axes) -> None:
    """The house look: no box, a light grid behind the data, small outward ticks."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(MUTED)
        spine.set_linewidth(points(1))
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelcolor=INK, labelsize=points(12), length=points(4), width=points(1))


def finish(axes: Axes, which: str, scale: Scale, banded: bool = False, turned: bool = False) -> None:
    """Set scale, limits, ticks, grid and title of the x or y axis once everything is drawn.

    `banded` says that bars, boxes or cells stand on a category axis, where a grid would be noise;
    `turned` that its tick labels need turning to have room.
    """
    settings, axis = scale.settings, getattr(axes, f"{which}axis")
    if scale.kind == "log":
        getattr(axes, f"set_{which}scale")("log")
    _limits(axes, which, scale)
    _ticks(axes, which, scale)
    if settings.showgrid is not False and not (banded and scale.kind == "category"):
        axis.grid(True, color=GRID, linewidth=points(1))
    if turned and not settings.tickangle:
        axis.set_tick_params(rotation=-30)
        for label in axis.get_ticklabels():
            label.set(ha="left", rotation_mode="anchor")
    if settings.title.text:
        axis.set_label_text(words(settings.title.text), color=INK, fontsize=points(13))
    if settings.visible is False:
        axis.set_visible(False)
        axes.spines["left" if which == "y" else "bottom"].set_visible(False)


def _limits(axes: Axes, which: str, scale: Scale) -> None:
    settings = scale.settings
    low, high = getattr(axes, f"get_{which}lim")()
    if scale.kind == "category":
        low, high = -0.5, len(scale.categories) - 0.5
    if settings.rangemode == "tozero" and low > 0:
        low = 0.0
    if settings.range:
        low, high = (10.0**end if scale.kind == "log" else end for end in settings.range)
    if settings.autorange == "reversed":
        low, high = max(low, high), min(low, high)
    getattr(axes, f"set_{which}lim")(low, high)


def _ticks(axes: Axes, which: str, scale: Scale) -> None:
    settings, axis = scale.settings, getattr(axes, f"{which}axis")
    given = array([] if settings.tickvals is None else settings.tickvals)
    told = given if settings.ticktext is None else settings.ticktext
    if scale.kind == "category":
        names = dict(zip(given, told, strict=True))
        step = _category_step(axes, which, scale)
        shown = [(i, words(names.get(name, name))) for name, i in scale.categories.items() if i % step == 0]
        axis.set_ticks([i for i, _ in shown], [name for _, name in shown])
        axis.set_tick_params(
            labelsize=points(min(12.0, 0.95 * step * _pixels(axes, which) / len(scale.categories)))
        )
    elif settings.tickvals is not None:
        axis.set_ticks(scale.at(given), [words(number(text)) for text in told])
    else:
        axis.set_major_locator(
            LogLocator() if scale.kind == "log" else MaxNLocator(_how_many(axes, which), steps=[1, 2, 5, 10])
        )
        axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(FuncFormatter(lambda value, _: _tick_text(value)))
    if settings.tickangle:
        axis.set_tick_params(rotation=-settings.tickangle)


def _tick_text(value: float) -> str:
    return number(0.0 if abs(value) < 1e-12 else value).replace("-", "−")


def _pixels(axes: Axes, which: str) -> float:
    box = axes.get_window_extent()
    return (box.height if which == "y" else box.width) * 100 / axes.figure.dpi


def _how_many(axes: Axes, which: str) -> int:
    return max(2, int(_pixels(axes, which) / (38 if which == "y" else 70)))


def _category_step(axes: Axes, which: str, scale: Scale) -> int:
    room = max(1, int(_pixels(axes, which) / CATEGORY_PIXELS))
    return max(1, int(np.ceil(len(scale.categories) / room)))
