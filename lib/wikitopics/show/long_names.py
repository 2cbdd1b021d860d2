"""Names too long for a drawing: cut there with an ellipsis, whole in the hover text."""

import html
import textwrap
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go

from wikitopics.show.theme import HEIGHT

LONGEST = 50  # letters of a name on an axis or in a legend: with both there is still room for a panel
LONGEST_TEXT = 80  # letters of a text beside a point
LETTER = 7  # CSS pixels of a letter of an axis
HOVER_LINE = 60  # letters of a line in a hover text
ELLIPSIS = "…"


def shortened(text: str, longest: int = LONGEST) -> str:
    """`text`, cut at its end with an ellipsis where it is longer than `longest` letters (wide ones are two).

    >>> shortened("Culture.Media", 9), shortened("漢字漢字漢字", 9)
    ('Culture.…', '漢字漢字…')
    """
    if _width(text) <= longest:
        return text
    kept = text[: longest - 1]
    while _width(kept) > longest - 1:
        kept = kept[:-1]
    return kept + ELLIPSIS


def _width(text: str) -> int:
    return len(text) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)


def room_below(names: Iterable[str]) -> int:
    """CSS pixels that names take below an axis when they are turned: those of the longest, as drawn.

    >>> room_below(["Art", "Food"]), room_below(["x" * 300])
    (28, 350)
    """
    return LETTER * max((len(shortened(str(name))) for name in names), default=0)


def with_short_names(figure: go.Figure) -> go.Figure:
    """A copy of the figure whose axes, legend and texts hold no name longer than a drawing has room for.

    Where one was cut, the hover text tells it whole. Names that look like numbers or dates stay names.
    """
    figure = go.Figure(figure)
    for trace in figure.data:
        _shorten_entry(trace)
        _shorten_texts(trace)
    for which in "xy":
        for axis, traces in _by_axis(figure, which).items():
            _shorten_axis(figure, figure.layout[axis], traces, which)
    return figure


def _cut(text: str, longest: int = LONGEST) -> str:
    """As `shortened`, for a text in which `&` and `<` are escaped."""
    return html.escape(shortened(html.unescape(text), longest), quote=False)


def _whole(text: str) -> str:
    """A text for a hover label, broken into lines."""
    lines = textwrap.wrap(html.unescape(text), HOVER_LINE)
    return "<br>".join(html.escape(line, quote=False) for line in lines)


def _is_long(text: Any, longest: int = LONGEST) -> bool:
    return isinstance(text, str) and _width(html.unescape(text)) > longest


def _shorten_entry(trace: Any) -> None:
    """The trace's name in the legend."""
    if not _is_long(trace.name):
        return
    hover = trace.hovertemplate or "%{x}, %{y}<extra></extra>"
    trace.update(hovertemplate=hover.replace("<extra></extra>", f"<extra>{_whole(trace.name)}</extra>"))
    trace.name = _cut(trace.name)


def _shorten_texts(trace: Any) -> None:
    """Texts beside points, and the names in a sunburst."""
    if trace.type == "sunburst" and any(map(_is_long, trace.labels)):
        hover = trace.hovertemplate.replace("%{label}", "%{hovertext}")
        trace.update(hovertext=[_whole(label) for label in trace.labels], hovertemplate=hover)
        trace.labels = [_cut(label) for label in trace.labels]
    if trace.type == "scatter" and "text" in trace.mode and trace.text is not None:
        told = trace.hovertext if trace.hovertext is not None else [""] * len(trace.text)
        long = [_is_long(text, LONGEST_TEXT) for text in trace.text]
        if any(long):
            texts = list(zip(trace.text, told, long, strict=True))
            trace.hovertext = [f"{hover}<br>{_whole(text)}" if cut else hover for text, hover, cut in texts]
            trace.text = [_cut(text, LONGEST_TEXT) if cut else text for text, _, cut in texts]


def _by_axis(figure: go.Figure, which: str) -> dict[str, list]:
    """Traces by the name of their axis in the layout."""
    found: dict[str, list] = defaultdict(list)
    for trace in figure.data:
        if trace.type != "sunburst":
            found[f"{which}axis{(trace[f'{which}axis'] or which)[1:]}"].append(trace)
    return found


def _names(values: Any) -> list[str]:
    """The texts among the values of a trace; plotly's packed numbers have none."""
    return [] if values is None or isinstance(values, dict) else [v for v in values if isinstance(v, str)]


def _shorten_axis(figure: go.Figure, axis: Any, traces: list, which: str) -> None:
    if axis.ticktext is not None:
        axis.ticktext = [_cut(str(text)) for text in axis.ticktext]
        return
    names = list(dict.fromkeys(name for trace in traces for name in _names(trace[which])))
    if any(name[:1].isdigit() or name[:1] in ("", "-", "+", ".") for name in names):
        axis.type = "category"  # plotly would take "1984" for a number and "2021-01-01" for a day
    if not any(map(_is_long, names)):
        return
    axis.update(tickvals=names, ticktext=[_cut(name) for name in names])
    if which == "x":  # turned, they need their length in height
        figure.layout.height = max(figure.layout.height or HEIGHT, HEIGHT // 2 + LETTER * LONGEST)
    for trace in traces:
        _tell_whole(trace, which)


def _tell_whole(trace: Any, which: str) -> None:
    """The names of a trace on one axis in its hover text."""
    if trace.hoverinfo == "skip":
        return
    if trace.type == "heatmap":
        whole = [[[_whole(str(x)), _whole(str(y))] for x in trace.x] for y in trace.y]
        hover = trace.hovertemplate or "%{y}<br>%{x}<br>%{z}<extra></extra>"
        for place, letter in enumerate("xy"):
            hover = hover.replace(f"%{{{letter}}}", f"%{{customdata[{place}]}}")
        trace.update(customdata=whole, hovertemplate=hover)
        return
    if trace.hovertemplate:
        trace.hovertemplate = trace.hovertemplate.replace(f"%{{{which}}}", "%{hovertext}")
    told = [bool(trace.hovertemplate) or _is_long(name) for name in trace[which]]
    trace.hovertext = [
        _whole(str(name)) if tell else "" for name, tell in zip(trace[which], told, strict=True)
    ]
