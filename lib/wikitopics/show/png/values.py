"""What plotly's attributes mean, as plain numbers, colours and text: shared by the drawers of the twin."""

import html
import re
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb, to_rgba

from wikitopics.show.pictures import known_glyphs
from wikitopics.show.theme import SEQUENTIAL

POINTS_PER_PIXEL = 0.72  # the page has 100 CSS pixels to the inch

_TAG = re.compile(r"</?(?:b|i|em|strong|sub|sup|span|a|u|s)(?:\s[^<>]*)?>", re.IGNORECASE)


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
    values = np.asarray(values, dtype=object)
    numbers = all(v is None or isinstance(v, int | float | np.number | np.bool_) for v in values.ravel())
    return values.astype(float) if numbers else values


def _decoded(packed: dict) -> np.ndarray:
    import base64

    flat = np.frombuffer(base64.b64decode(packed["bdata"]), dtype=packed["dtype"])
    return flat.reshape([int(n) for n in str(packed["shape"]).split(",")]) if "shape" in packed else flat


def each(values: Any, n: int) -> list:
    """`values` for each of `n` marks: a text is repeated, a list is taken as it is."""
    return [values] * n if isinstance(values, str) else list(array(values))


def words(text: Any) -> str:
    """Plotly text without its markup, on one line but for `<br>`, safe from matplotlib's `$` mathematics.

    >>> words("a<br>R&amp;D &lt;b&gt; <b>bold</b> $5")
    'a\\nR&D <b> bold \\\\$5'
    """
    text = re.sub(r"<br\s*/?>", "\n", re.sub(r"\s", " ", str(text)))
    text = _TAG.sub("", text)
    return known_glyphs(html.unescape(text)).replace("$", r"\$")


def colour(text: str, opacity: float | None = None) -> tuple[float, float, float, float]:
    """A CSS colour (name or hex) as RGBA in [0, 1].

    >>> colour("#FF0000", 0.5)
    (1.0, 0.0, 0.0, 0.5)
    """
    return to_rgba(text, opacity)


def ramp(colorscale: Any) -> LinearSegmentedColormap:
    """A plotly colour scale as a matplotlib one; the house ramp where none is given."""
    stops = [(float(at), colour(name)) for at, name in (colorscale or SEQUENTIAL)]
    return LinearSegmentedColormap.from_list("ramp", stops, N=128)


def ink_on(background: Any) -> str:
    """Black or white, whichever reads better on a background, an RGB or RGBA (sRGB luma)."""
    red, green, blue = to_rgb(background[:3])
    return "#FFFFFF" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else "#1F2933"


def number(value: Any) -> str:
    """A number as plotly writes it, with six digits and thousands apart; text as it is.

    >>> number(12345.0), number(0.25), number("x"), number(None)
    ('12,345', '0.25', 'x', '')
    """
    if isinstance(value, str) or value is None:
        return value or ""
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
