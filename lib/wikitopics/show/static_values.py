"""What plotly's attributes mean, as plain numbers, colours and text: shared by the drawers of the twin."""

import html
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb, to_rgba
from plotly.colors import get_colorscale

from wikitopics.show.captions import known_glyphs
from wikitopics.show.theme import SEQUENTIAL

POINTS_PER_PIXEL = 0.72  # the page has 100 CSS pixels to the inch

_TAG = re.compile(r"</?(?:b|i|em|strong|sub|sup|span|a|u|s)(?:\s[^<>]*)?>", re.IGNORECASE)
_FIELD = re.compile(r"%\{(\w+)(?::([^}]*))?\}")


def points(pixels: float) -> float:
    """A length in CSS pixels, in matplotlib's points."""
    return pixels * POINTS_PER_PIXEL


def array(values: Any) -> np.ndarray:
    """Values of a trace as an array of numbers or of objects; plotly's base64 form is decoded.

    >>> array([1, None, 3])
    array([ 1., nan,  3.])
    >>> array(["a", 2])
    array(['a', 2], dtype=object)
    """
    if isinstance(values, dict):
        values = _decoded(values)
    if values is None:
        return np.array([])
    values = np.asarray(values, dtype=object)
    numbers = all(v is None or isinstance(v, int | float | np.number | np.bool_) for v in values.ravel())
    return values.astype(float) if numbers else values


def _decoded(packed: dict) -> np.ndarray:
    import base64

    flat = np.frombuffer(base64.b64decode(packed["bdata"]), dtype=packed["dtype"])
    return flat.reshape([int(n) for n in str(packed["shape"]).split(",")]) if "shape" in packed else flat


def each(value: Any, n: int, default: Any = None) -> list:
    """`value` for each of `n` marks: a scalar is repeated, a list is filled up with `default`."""
    if value is None or isinstance(value, str | int | float):
        return [default if value is None else value] * n
    items = list(array(value))
    return [items[i] if i < len(items) and items[i] is not None else default for i in range(n)]


def words(text: Any) -> str:
    """Plotly text without its markup, safe from matplotlib's `$` mathematics.

    >>> words("a<br>R&amp;D &lt;b&gt; <b>bold</b> $5")
    'a\\nR&D <b> bold \\\\$5'
    """
    text = _TAG.sub("", re.sub(r"<br\s*/?>", "\n", str(text)))
    return known_glyphs(html.unescape(text)).replace("$", r"\$")


def colour(text: str, opacity: float | None = None) -> tuple[float, float, float, float]:
    """A CSS colour (name, hex, rgb(), rgba()) as RGBA in [0, 1].

    >>> colour("rgba(255, 0, 0, 0.5)")
    (1.0, 0.0, 0.0, 0.5)
    """
    found = re.fullmatch(r"rgba?\(([^)]*)\)", str(text).strip())
    if found:
        parts = [float(part) for part in found[1].split(",")]
        rgba = (*(part / 255 for part in parts[:3]), parts[3] if len(parts) > 3 else 1.0)
    else:
        rgba = to_rgba(text)
    return (*rgba[:3], rgba[3] * (1.0 if opacity is None else opacity))


def ramp(colorscale: Any) -> LinearSegmentedColormap:
    """A plotly colour scale (name or pairs) as a matplotlib one; the house ramp where none is given."""
    if isinstance(colorscale, str):
        colorscale = get_colorscale(colorscale)
    stops = [(float(at), colour(name)) for at, name in (colorscale or SEQUENTIAL)]
    return LinearSegmentedColormap.from_list("ramp", stops, N=128)


def ramp_colours(values: Iterable[float], colorscale: Any, low: Any, high: Any) -> np.ndarray:
    """RGBA of numbers on a colour scale between `low` and `high` (their own extremes if None)."""
    values = np.asarray(values, dtype=float)
    low = np.nanmin(values) if low is None else low
    high = np.nanmax(values) if high is None else high
    return ramp(colorscale)(Normalize(low, high)(values))


def ink_on(background: Any) -> str:
    """Black or white, whichever reads better on a background (sRGB luma)."""
    red, green, blue = to_rgb(background[:3] if not isinstance(background, str) else background)
    return "#FFFFFF" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else "#1F2933"


def number(value: Any, form: str | None = None) -> str:
    """A number in one of d3's formats (those plotly figures use: f, %, d, g, s, with `,` and a precision).

    >>> number(0.256, ".0%"), number(12345.0, ",d"), number(1500, ".2s"), number(3.0), number("x")
    ('26%', '12,345', '1.5k', '3', 'x')
    """
    if isinstance(value, str) or value is None:
        return "" if value is None else value
    if not form:
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    form = form.replace("~", "")
    if form.endswith("s"):
        return _si(float(value), form)
    return format(round(value) if form.endswith("d") else float(value), form)


def _si(value: float, form: str) -> str:
    digits = int(re.sub(r"\D", "", form) or 3)
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.{digits}g}{letter}"
    return f"{value:.{digits}g}"


def filled(template: str, **fields: Any) -> str:
    """A texttemplate with its fields in place.

    >>> filled("%{label}: %{z:.1f}", label="a", z=0.25)
    'a: 0.2'
    """
    return _FIELD.sub(lambda found: number(fields.get(found[1], ""), found[2]), template)
