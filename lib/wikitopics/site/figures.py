"""Plotly figures of executed notebooks: live from their stored data, with the stored picture for all else."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from bs4 import BeautifulSoup

from wikitopics.site.sanitise import PICTURE

PLOTLY = "application/vnd.plotly.v1+json"
MAX_NUMBERS = 300  # rows of a figure's table; more is nothing to read
MAX_WORDS = 200  # letters of one cell of it

MAX_DEPTH = 30  # parts of a figure in each other; a template's reach 8
MAP = re.compile(r"(?:scatter|density|choropleth)?(?:map|mapbox|geo)\d*|choropleth")  # of traces, layouts
BY_ADDRESS = {"source", "geojson", "topojsonURL", "plotlyServerURL"}
STYLED = re.compile(r"<(?:span|a|b|i|s|u|em|strong|su[bp]|br)\b[^>]*>", re.IGNORECASE)  # plotly's own markup
IN_STYLE = re.compile(r"url\s*\(|image-set\s*\(", re.IGNORECASE)


@dataclass(frozen=True)
class Figure:
    """A figure to show: its alternative text, plotly's data and layout, its picture in the site if any."""

    alt: str
    live: dict[str, Any]
    picture: str = ""
    width: int = 0
    height: int = 0

    @property
    def json(self) -> str:
        """Data and layout as JSON that may stand in a script element."""
        kept = without_addresses({name: self.live[name] for name in ("data", "layout") if name in self.live})
        return json.dumps(kept, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


def without_addresses(part: Any, depth: int = 0) -> Any:
    """A part of a figure without all that plotly would fetch from elsewhere to draw it.

    Gone are maps (tiles, styles, coastlines), pictures but those that carry their bytes, shapes by address,
    and styles of words that name an address. What is nested deeper than any figure is gone too.

    >>> without_addresses({"data": [{"type": "scattermap"}, {"type": "bar"}], "layout": {"map": {}}})
    {'data': [{'type': 'bar'}], 'layout': {}}
    """
    if depth > MAX_DEPTH:
        return None
    if isinstance(part, list):
        return [without_addresses(item, depth + 1) for item in part if not _fetches(item)]
    if isinstance(part, dict):
        kept = {name: value for name, value in part.items() if not MAP.fullmatch(str(name))}
        return {
            name: without_addresses(value, depth + 1)
            for name, value in kept.items()
            if name not in BY_ADDRESS or not isinstance(value, str) or PICTURE.fullmatch(value)
        }
    return STYLED.sub(lambda tag: IN_STYLE.sub("(", tag[0]), part) if isinstance(part, str) else part


def _fetches(item: Any) -> bool:
    """Whether a trace is a map, or an image of a layout lies elsewhere."""
    if not isinstance(item, dict):
        return False
    source = item.get("source")
    away = isinstance(source, str) and not PICTURE.fullmatch(source)
    return away or bool(MAP.fullmatch(str(item.get("type", ""))))


def values_of(values: Any) -> list:
    """A trace's values as a list, plotly's base64 form decoded.

    >>> values_of({"bdata": "AACAPwAAAEA=", "dtype": "f4"}), values_of([1, None]), values_of(None)
    ([1.0, 2.0], [1, None], [])
    """
    if isinstance(values, dict) and "bdata" in values:
        try:
            flat = np.frombuffer(base64.b64decode(values["bdata"]), dtype=np.dtype(values["dtype"]))
            shape = [int(part) for part in str(values.get("shape", flat.size)).split(",")]
            return flat.reshape(shape).tolist()
        except (binascii.Error, ValueError, TypeError) as error:
            raise ValueError(f"a figure's numbers cannot be read: {error}") from error
    return list(values) if isinstance(values, list | tuple) else []


def numbers(figure: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """What a figure shows, for those who cannot see it: column names, and rows of text.

    Empty where there is nothing to read, or more than anybody would.
    """
    layout = figure.get("layout", {})
    across, up = (_axis_title(layout, axis) for axis in "xy")
    heads: list[str] = ["series", across or "x", up or "y"]
    rows: list[list[str]] = []
    for trace in figure.get("data", []):
        heads, more = _rows(trace, heads)
        rows += more
    return (heads, rows) if 0 < len(rows) <= MAX_NUMBERS else ([], [])


def _rows(trace: dict[str, Any], heads: list[str]) -> tuple[list[str], list[list[str]]]:
    kind, name = trace.get("type", "scatter"), _words(trace.get("name", ""))
    if kind == "heatmap":
        cells = [
            [_words(y), _words(x), _said(value)]
            for y, row in zip(values_of(trace.get("y")), values_of(trace.get("z")), strict=False)
            for x, value in zip(values_of(trace.get("x")), row, strict=False)
            if value is not None and value == value
        ]
        return ["row", "column", "value"], cells
    if kind in ("sunburst", "treemap"):
        parts = zip(values_of(trace.get("labels")), values_of(trace.get("values")), strict=False)
        return ["part", "value"], [[_words(label), _said(value)] for label, value in parts]
    if kind in ("bar", "scatter", "scattergl"):
        pairs = zip(values_of(trace.get("x")), values_of(trace.get("y")), strict=False)
        return heads, [[name, _said(x), _said(y)] for x, y in pairs if x is not None and y is not None]
    return heads, []


def _axis_title(layout: dict[str, Any], axis: str) -> str:
    return _words(layout.get(f"{axis}axis", {}).get("title", {}).get("text", ""))


def _said(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _words(value)


def _words(text: Any) -> str:
    """Plotly's text without its markup."""
    said = str(text).replace("<br>", " ")
    if "<" in said or "&" in said:
        said = BeautifulSoup(said, "html.parser").get_text()
    return said if len(said) <= MAX_WORDS else f"{said[:MAX_WORDS]}…"
