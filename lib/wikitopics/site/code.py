"""Code cells of a page: quiet, foldable, and the parameters as a table."""

import html
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from wikitopics.declarations import parse_cell
from wikitopics.errors import UserError
from wikitopics.site.executed import Notebook

LONG = 14  # lines; a longer cell is folded until it is asked for
ALIKE = ("import ", "from ", "parameters = check(")  # how cells begin that every notebook has


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
