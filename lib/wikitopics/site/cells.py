"""The cells of a notebook as HTML: code, printed text, tables, pictures, figures."""

import base64
import binascii
import html
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

import jinja2
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from wikitopics.errors import UserError
from wikitopics.params import parse_cell
from wikitopics.site import figures
from wikitopics.site.figures import Figure
from wikitopics.site.notebooks import Links, Notebook
from wikitopics.site.prose import Outline, Renderer, markdown
from wikitopics.site.sanitise import sanitised, too_deep

SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
SUFFIX = {"image/png": "png", "image/jpeg": "jpg"}

MAX_BYTES = 3_000_000  # of a page's HTML, and of a page with its pictures

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours of a terminal

LONG = 14  # lines; a longer cell is folded until it is asked for
ALIKE = ("import ", "from ", "parameters = check(")  # how cells begin that every notebook has


def picture_of(data: dict[str, Any]) -> str | None:
    """The kind of picture that an output holds; None if it holds none that the site shows."""
    return next((kind for kind in SUFFIX if kind in data), None)


def content(data: dict[str, Any], kind: str) -> bytes:
    """The picture's bytes; ValueError if they are not what the output says.

    >>> content({"image/png": "R0lGODlh"}, "image/png")
    Traceback (most recent call last):
    ...
    ValueError: a picture is not image/png
    """
    try:
        found = base64.b64decode("".join(data[kind]))
    except binascii.Error as error:
        raise ValueError(f"a picture is damaged: {error}") from error
    if not found.startswith(SIGNATURES[kind]):
        raise ValueError(f"a picture is not {kind}")
    return found


def described(output: dict[str, Any], kind: str) -> tuple[str, int, int]:
    """Alternative text, width and height in CSS pixels (0 where the output does not say)."""
    said = output.get("metadata", {}).get(kind, {})
    alt = said.get("alt") or "".join(output["data"].get("text/plain", "")) or "picture without a description"
    sizes = [said.get(name) for name in ("width", "height")]
    width, height = (size if isinstance(size, int) and 0 < size < 10_000 else 0 for size in sizes)
    return str(alt), width, height


@cache
def templates() -> jinja2.Environment:
    """The site's templates; what they are given is escaped unless it is marked as HTML."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("wikitopics.site"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


@dataclass
class Page:
    """The page of one notebook. `still`: numbers of the figures that are shown as pictures only."""

    notebook: Notebook
    links: Links
    still: frozenset[int] = frozenset()
    outline: Outline = field(default_factory=Outline)
    figures: dict[tuple[str, int], Figure] = field(default_factory=dict)  # by cell and number
    files: dict[str, bytes] = field(default_factory=dict)  # by path in the site
    counts: Counter[str] = field(default_factory=Counter)

    def count(self, what: str) -> int:
        """The number of the next table or figure."""
        self.counts[what] += 1
        return self.counts[what]

    def caption(self) -> str:
        """The next table's number and the section that it is in, as HTML."""
        return f"<b>Table {self.count('table')}.</b> {self.outline.section}"

    def renderer(self, run: str = "") -> Renderer:
        """What turns this page's Markdown into HTML; `run` is said beside the first heading."""
        return Renderer(self.outline, self._resolve, self.caption, run)

    def keep(self, cell: str, suffix: str, data: bytes) -> str:
        """Take a picture in; its address, seen from this page."""
        name = f"{cell}-{self.count(f'pictures of {cell}')}.{suffix}"
        self.files[f"{self.notebook.name}/{name}"] = data
        return quote(f"{self.notebook.run}/{name}")

    def _resolve(self, url: str) -> str | None:
        """Where a link in this notebook leads."""
        return self.links.resolve(self.notebook, url)

    def render(self, template: str, **values: Any) -> str:
        """One of the site's templates."""
        return templates().get_template(template).render(values)

    def largest_live(self) -> int | None:
        """The number of the live figure with a picture whose data weigh most; None if there is none left."""
        live = {
            number: len(figure.json)
            for (_, number), figure in self.figures.items()
            if figure.live and figure.picture and number not in self.still
        }
        return max(live, key=live.__getitem__, default=None)


# --- What a cell put out, as HTML: printed text, tables, pictures, figures


def output_html(page: Page, cell: str, output: dict[str, Any]) -> str:
    """One output of a cell, by the richest form that can be shown; what it shows is taken into the page."""
    kind, data = output["output_type"], output.get("data", {})
    if kind == "stream":
        return printed(output["text"], "" if output["name"] == "stdout" else "Warnings")
    if kind == "error":
        return printed("\n".join(output["traceback"]), "Error")
    if figures.PLOTLY in data:
        return figure_html(page, cell, figure_of(page, cell, output))
    if picture := picture_of(data):
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
    kind = picture_of(data)
    if not kind:
        return figures.Figure(alt, data[figures.PLOTLY])
    alt, width, height = described(output, kind)
    address = page.keep(cell, SUFFIX[kind], content(data, kind))
    return figures.Figure(alt, data[figures.PLOTLY], address, width, height)


def figure_html(page: Page, cell: str, figure: figures.Figure) -> str:
    """A figure: its picture, the data that a script makes it live from, and its numbers as a table."""
    number = page.count("figure")
    page.figures[cell, number] = figure
    heads, rows = figures.numbers(figure.live)
    live = bool(figure.live) and number not in page.still
    return page.render("figure.html", figure=figure, number=number, live=live, heads=heads, rows=rows)


def _picture(page: Page, cell: str, output: dict[str, Any], kind: str) -> str:
    alt, width, height = described(output, kind)
    address = page.keep(cell, SUFFIX[kind], content(output["data"], kind))
    return figure_html(page, cell, figures.Figure(alt, {}, address, width, height))


# --- Code cells of a page: quiet, foldable, and the parameters as a table


def code_html(cell: dict[str, Any]) -> str:
    """A code cell, folded where it is long or the same in every notebook."""
    source = cell["source"].rstrip()
    if not source:
        return ""
    lines = source.split("\n")
    opened = "" if len(lines) > LONG or source.startswith(ALIKE) else " open"
    first = html.escape(next((line for line in lines if line.strip()), ""))
    coloured = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)).rstrip()
    return (
        f'<details class="code"{opened}><summary><span class="word">Code</span> '
        f'<code class="first">{first}</code></summary><pre><code>{coloured}</code></pre></details>'
    )


def parameter_rows(notebook: Notebook) -> list[dict[str, Any]]:
    """The declared parameters with the value of this run: name, value, default, help, differs.

    Empty where the notebook declares none that can be read: its cell is then shown as it is.
    """
    cell = next((cell for cell in notebook.cells if "parameters" in tags(cell)), None)
    try:
        declared = parse_cell(cell["source"]) if cell else {}
    except (UserError, SyntaxError):
        return []
    return [
        {
            "name": one.name,
            "value": said(notebook.parameters.get(one.name, one.default)),
            "default": said(one.default),
            "help": one.help,
            "differs": one.name in notebook.differing and notebook.parameters[one.name] != one.default,
        }
        for one in declared.values()
    ]


def tags(cell: dict[str, Any]) -> list[str]:
    """The tags of a cell."""
    return cell["metadata"].get("tags", [])


def said(value: Any) -> str:
    """A parameter's value as a reader writes it.

    >>> said(["a", "b"]), said(True), said(""), said(0.5)
    ('a, b', 'true', '(empty)', '0.5')
    """
    if isinstance(value, list):
        return ", ".join(map(said, value)) or "(none)"
    if isinstance(value, bool):
        return str(value).lower()
    return "(empty)" if value == "" else "(none)" if value is None else str(value)
