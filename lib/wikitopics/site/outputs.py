"""What a cell put out, as HTML: printed text, tables, pictures, figures."""

import html
import re
from typing import Any

from wikitopics.site import figures, pictures
from wikitopics.site.page import Page
from wikitopics.site.prose import markdown
from wikitopics.site.sanitise import sanitised, too_deep

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours of a terminal


def output_html(page: Page, cell: str, output: dict[str, Any]) -> str:
    """One output of a cell, by the richest form that can be shown; what it shows is taken into the page."""
    kind, data = output["output_type"], output.get("data", {})
    if kind == "stream":
        return printed(output["text"], "" if output["name"] == "stdout" else "Warnings")
    if kind == "error":
        return printed("\n".join(output["traceback"]), "Error")
    if figures.PLOTLY in data:
        return figure_html(page, cell, figure_of(page, cell, output))
    if picture := pictures.picture_of(data):
        return _picture(page, cell, output, picture)
    if "text/markdown" in data:
        return f'<div class="words">{markdown("".join(data["text/markdown"]), page.renderer())}</div>'
    if "text/html" in data and not too_deep("".join(data["text/html"])):
        return table_html(page, data["text/html"])
    return printed(data.get("text/plain", ""))


def printed(text: str | list[str], what: str = "") -> str:
    """Printed text, each line as a terminal would leave it; sentences may wrap, columns may not.

    >>> printed("50 %\\r100 % <done>")
    '<pre class="printed sentences">100 % &lt;done&gt;</pre>'
    """
    lines = [line.rsplit("\r", 1)[-1] for line in ESCAPES.sub("", "".join(text)).rstrip().split("\n")]
    if not any(lines):
        return ""
    columns = any("  " in line.strip() for line in lines)
    said = f'<p class="what">{what}</p>' if what else ""
    kind = "printed" if columns else "printed sentences"
    return f'{said}<pre class="{kind}">{html.escape(chr(10).join(lines))}</pre>'


def table_html(page: Page, untrusted: str | list[str]) -> str:
    """A cell's HTML as it may be shown; a table is numbered and named after its section."""
    text = "".join(untrusted)
    has_table = "<table" in text.lower()
    return f'<div class="table">{sanitised(text, page.caption() if has_table else "")}</div>'


def figure_of(page: Page, cell: str, output: dict[str, Any]) -> figures.Figure:
    """The figure of an output; its picture is taken into the page."""
    data = output["data"]
    if not isinstance(data[figures.PLOTLY], dict):
        raise ValueError("a figure is no JSON object")
    alt = "".join(data.get("text/plain", "")) or "figure without a description"
    kind = pictures.picture_of(data)
    if not kind:
        return figures.Figure(alt, data[figures.PLOTLY])
    alt, width, height = pictures.described(output, kind)
    address = page.keep(cell, pictures.SUFFIX[kind], pictures.content(data, kind))
    return figures.Figure(alt, data[figures.PLOTLY], address, width, height)


def figure_html(page: Page, cell: str, figure: figures.Figure) -> str:
    """A figure: its picture, the data that a script makes it live from, and its numbers as a table."""
    number = page.count("figure")
    page.figures[cell, number] = figure
    heads, rows = figures.numbers(figure.live)
    live = bool(figure.live) and number not in page.still
    return page.render("figure.html", figure=figure, number=number, live=live, heads=heads, rows=rows)


def _picture(page: Page, cell: str, output: dict[str, Any], kind: str) -> str:
    alt, width, height = pictures.described(output, kind)
    address = page.keep(cell, pictures.SUFFIX[kind], pictures.content(output["data"], kind))
    return figure_html(page, cell, figures.Figure(alt, {}, address, width, height))
