"""Figures in the house style, and how a notebook shows them: live where there is a reader, twinned where not.

In JupyterLab a figure is plotly's. In an executed copy the same output also holds a PNG drawn without a
browser, because code hosts show neither scripts nor plotly's data; the data stays beside it, so that an
exported site can bring the live figure back.
"""

import html
import json
from typing import Any

import plotly.graph_objects as go
from IPython.display import display
from PIL import Image
from plotly.subplots import make_subplots

from wikitopics.show.pictures import encoded
from wikitopics.show.theme import (
    DASHES,
    DIVERGING,
    HEIGHT,
    INK,
    LEGEND_ABOVE,
    MUTED,
    PALETTE,
    SEQUENTIAL,
    SYMBOLS,
    TEMPLATE,
    series_style,
)

__all__ = [
    "DASHES",
    "DIVERGING",
    "INK",
    "LEGEND_ABOVE",
    "MUTED",
    "PALETTE",
    "SEQUENTIAL",
    "SYMBOLS",
    "display_figure",
    "display_picture",
    "new_figure",
    "plain",
    "series_style",
]

PLOTLY = "application/vnd.plotly.v1+json"
# plotly 7 offers to upload every figure to its makers unless told not to.
CONFIG = {"showSendToCloud": False, "displaylogo": False, "responsive": True}


def new_figure(
    title: str = "",
    x: str = "",
    y: str = "",
    height: int = HEIGHT,
    rows: int = 1,
    columns: int = 1,
    titles: list[str] | None = None,
    shared: bool = False,
    **layout: Any,
) -> go.Figure:
    """An empty figure in the house style.

    `x` and `y` are the axis titles, with the unit in brackets, of the outer axes when there are several
    panels; `rows` x `columns` panels carry the `titles`, and share their axes if `shared`. Further
    keywords go to `update_layout`. `height` is in CSS pixels. The width follows the page.

    >>> figure = new_figure("Images per label", x="images", y="label")
    >>> figure.layout.xaxis.title.text
    'images'
    """
    figure = _panels(rows, columns, titles, shared)
    figure.update_layout(template=TEMPLATE, height=height, **({"title": {"text": title}} if title else {}))
    if x:
        figure.update_xaxes(title_text=x, **({"row": rows} if rows * columns > 1 else {}))
    if y:
        figure.update_yaxes(title_text=y, **({"col": 1} if rows * columns > 1 else {}))
    return figure.update_layout(**layout)


def _panels(rows: int, columns: int, titles: list[str] | None, shared: bool) -> go.Figure:
    if rows * columns == 1:
        return go.Figure(layout={"template": TEMPLATE})
    share = {"shared_xaxes": "all", "shared_yaxes": "all"} if shared else {}
    return make_subplots(rows=rows, cols=columns, subplot_titles=titles, **share)


def plain(text: str) -> str:
    """Other people's text for a plotly label, where `<b>` and `&` would otherwise be read as markup.

    >>> plain("R&D <b>")
    'R&amp;D &lt;b&gt;'
    """
    return html.escape(str(text), quote=False)


def display_figure(figure: go.Figure, alt: str, interactive: bool = True) -> None:
    """Show `figure` as the cell's output; `alt` says in a sentence what it shows.

    Interactive: plotly's live figure. Otherwise (executed copies) one output with the live figure's data
    and its static twin as PNG, which JupyterLab, code hosts and nbconvert all show.
    """
    bundle: dict[str, Any] = {PLOTLY: live_json(figure), "text/plain": alt}
    metadata: dict[str, Any] = {}
    if not interactive:
        from wikitopics.show.static import picture  # matplotlib only where a twin is drawn

        image = picture(figure)
        bundle["image/png"] = encoded(image, "png")
        metadata["image/png"] = {"alt": alt, "width": image.width // 2, "height": image.height // 2}
    display(bundle, raw=True, metadata=metadata)


def live_json(figure: go.Figure) -> dict[str, Any]:
    """The figure as plotly's notebook output: data, layout and our configuration (nothing is uploaded)."""
    return json.loads(figure.to_json()) | {"config": CONFIG}


def display_picture(image: Image.Image, alt: str, format: str = "jpeg") -> None:
    """Show a picture as the cell's output, as "jpeg" (photographs, contact sheets) or "png" (drawings)."""
    mime = f"image/{format}"
    metadata = {mime: {"alt": alt, "width": image.width, "height": image.height}}
    display({mime: encoded(image, format), "text/plain": alt}, raw=True, metadata=metadata)
