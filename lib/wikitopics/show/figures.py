"""Figures in the house style, and how a notebook shows them: live where there is a reader, twinned where not.

In JupyterLab a figure is plotly's. In an executed copy the same output also holds a PNG drawn without a
browser, because code hosts show neither scripts nor plotly's data; the data stays beside it, so that an
exported site can bring the live figure back.
"""

import html
import json
import re
from collections.abc import Iterable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from IPython.display import display
from PIL import Image
from plotly.subplots import make_subplots

from wikitopics.show.long_names import with_short_names
from wikitopics.show.pictures import encoded
from wikitopics.show.theme import HEIGHT, INK, PALETTE, TEMPLATE

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
    **layout: Any,
) -> go.Figure:
    """An empty figure in the house style, of `rows` x `columns` panels.

    `x` and `y` are the axis titles, with the unit in brackets, of the outer axes when there are several
    panels. Further keywords go to `update_layout`. `height` is in CSS pixels. The width follows the page.

    >>> figure = new_figure("Images per label", x="images", y="label")
    >>> figure.layout.xaxis.title.text
    'images'
    """
    figure = _panels(rows, columns)
    figure.update_layout(template=TEMPLATE, height=height, **({"title": {"text": title}} if title else {}))
    if x:
        figure.update_xaxes(title_text=x, **({"row": rows} if rows * columns > 1 else {}))
    if y:
        figure.update_yaxes(title_text=y, **({"col": 1} if rows * columns > 1 else {}))
    return figure.update_layout(**layout)


def _panels(rows: int, columns: int) -> go.Figure:
    if rows * columns == 1:
        return go.Figure(layout={"template": TEMPLATE})
    return make_subplots(rows=rows, cols=columns)


def plain(text: str) -> str:
    """Other people's text for a plotly label, where `<b>` and `&` would otherwise be read as markup.

    >>> plain("R&D <b>")
    'R&amp;D &lt;b&gt;'
    """
    return html.escape(str(text), quote=False)


def in_markdown(text: str) -> str:
    """Other people's text for Markdown, where nothing of it is markup, a link or a formula.

    >>> print(in_markdown("R&D_1 [0.5, 0.9] <b> ![x](//y)"))
    R&amp;D\\_1 [0.5, 0.9] &lt;b&gt; ![x]\\(//y)
    """
    return re.sub(r"([\\`*_~|$])|(?<=\])(\()", r"\\\1\2", plain(text))


def opens(figure: go.Figure, what: str, *names: Iterable[str]) -> go.Figure:
    """The figure, whose marks open their pictures in the browser of mistakes of the same notebook.

    what: as in show.browser.clicks; names: of the marks of a trace in their order; of a heat map those of its
    rows, then of its columns.
    """
    plain_names = [[plain(name) for name in some] for some in names]
    return figure.update_layout(meta={"opens": what, "names": plain_names})


def funnel(steps: pd.DataFrame | list[dict], title: str) -> go.Figure:
    """Horizontal bars of how many files are left after each step, the first on top; `steps`: step, files."""
    steps = pd.DataFrame(steps, columns=["step", "files"])
    figure = new_figure(title, x="files", height=140 + 30 * len(steps))
    figure.add_bar(
        x=steps["files"],
        y=steps["step"].map(plain),
        orientation="h",
        text=[f"{files:,}" for files in steps["files"]],
        marker_color=PALETTE[0],
    )
    return figure.update_layout(yaxis_autorange="reversed")


def error_bars(value: pd.Series, low: pd.Series, high: pd.Series) -> dict[str, Any]:
    """Plotly's error bars from `low` to `high` around `value`; none on a side where it lies outside.

    >>> bars = error_bars(pd.Series([2.0]), pd.Series([1.5]), pd.Series([1.0]))
    >>> bars["array"].tolist(), bars["arrayminus"].tolist()
    ([0.0], [0.5])
    """
    up, down = (high - value).clip(lower=0), (value - low).clip(lower=0)
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down}


def dots_around_zero(figure: go.Figure, table: pd.DataFrame, markers: dict[str, dict]) -> go.Figure:
    """The figure with a line at zero and a dot with its interval a row, the first on top.

    table: name, difference, low, high, verdict; `markers`: plotly's marker by verdict, a trace each where
    there are rows of it. Rows of another verdict are left out.
    """
    for verdict, marker in markers.items():
        part = table[table["verdict"] == verdict]
        if len(part):
            figure.add_scatter(
                x=part["difference"],
                y=part["name"],
                mode="markers",
                name=verdict,
                error_x=error_bars(part["difference"], part["low"], part["high"]),
                marker=marker | {"size": 9},
            )
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    return figure.update_yaxes(categoryorder="array", categoryarray=list(table["name"])[::-1])


def display_figure(figure: go.Figure, alt: str, interactive: bool = True) -> None:
    """Show `figure` as the cell's output; `alt` says in a sentence what it shows.

    Interactive: plotly's live figure. Otherwise (executed copies) one output with the live figure's data
    and its static twin as PNG, which JupyterLab, code hosts and nbconvert all show. Long names are cut in
    the drawing and whole in the hover text.
    """
    figure = with_short_names(figure)
    bundle: dict[str, Any] = {PLOTLY: live_json(figure), "text/plain": alt}
    metadata: dict[str, Any] = {}
    if not interactive:
        from wikitopics.show.png.draw import picture  # matplotlib only where a twin is drawn

        image = picture(figure)
        bundle["image/png"] = encoded(image, "png")
        metadata["image/png"] = {"alt": alt, "width": image.width // 2, "height": image.height // 2}
    display(bundle, raw=True, metadata=metadata)


def live_json(figure: go.Figure) -> dict[str, Any]:
    """The figure as plotly's notebook output: data, layout and our configuration (nothing is uploaded)."""
    return json.loads(figure.to_json()) | {"config": CONFIG}


def display_sentences(sentences: Iterable[str]) -> None:
    """Show sentences as the cell's output, one a line; names of labels and groups in them are people's."""
    told = list(sentences)
    lines = "\n".join(f"- {in_markdown(sentence)}" for sentence in told)
    display({"text/markdown": lines, "text/plain": "\n".join(told)}, raw=True)


def display_picture(image: Image.Image, alt: str, format: str = "jpeg") -> None:
    """Show a picture as the cell's output, as "jpeg" (photographs, contact sheets) or "png" (drawings)."""
    mime = f"image/{format}"
    metadata = {mime: {"alt": alt, "width": image.width, "height": image.height}}
    display({mime: encoded(image, format), "text/plain": alt}, raw=True, metadata=metadata)
