"""The page of one notebook, from its cells in order; and what the page weighs."""

from collections.abc import Iterator
from typing import Any

from wikitopics.errors import UserError
from wikitopics.site.code import code_html, parameter_rows, tags
from wikitopics.site.executed import Notebook, damaged
from wikitopics.site.links import Links, relative
from wikitopics.site.outputs import output_html
from wikitopics.site.page import MAX_BYTES, Page
from wikitopics.site.prose import markdown


def notebook_page(notebook: Notebook, links: Links) -> tuple[str, Page]:
    """The HTML of a notebook's page, and the page with its pictures.

    Where the HTML is too heavy, its heaviest live figures are shown as pictures only. Raises UserError for a
    page that is too heavy all the same, and for a notebook with a damaged output.
    """
    still: set[int] = set()
    while True:
        page = Page(notebook, links, frozenset(still))
        try:
            text = _whole(page)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise damaged(notebook.name, error) from error
        heaviest = page.largest_live()
        if len(text.encode()) <= MAX_BYTES or heaviest is None:
            _check_weight(notebook, text, page)
            return text, page
        still.add(heaviest)


def _check_weight(notebook: Notebook, text: str, page: Page) -> None:
    weight = len(text.encode()) + sum(map(len, page.files.values()))
    if weight > MAX_BYTES:
        raise UserError(
            f"a page of the site must weigh less than {MAX_BYTES / 1e6:.0f} MB with its pictures, "
            f"but the one of {notebook.name} weighs {weight / 1e6:.1f}; "
            "show fewer or smaller pictures in that notebook"
        )


def _whole(page: Page) -> str:
    notebook, links = page.notebook, page.links
    rows = parameter_rows(notebook)
    body = "\n".join(_cells(page, rows))
    here = notebook.address
    others = [one for one in links.notebooks if one.stage == notebook.stage]
    place = links.notebooks.index(notebook)
    return page.render(
        "notebook.html",
        notebook=notebook,
        body=body,
        home=relative("index.html", here),
        assets=relative("assets", here),
        stages=[(one, relative(one.address, here)) for one in links.stages(notebook)],
        contents=[heading for heading in page.outline.headings if heading[0] > 1],
        runs=[(one, relative(one.address, here)) for one in others],
        before=_neighbour(links, notebook, place - 1),
        after=_neighbour(links, notebook, place + 1),
        differing=[row for row in rows if row["differs"]],
        has_figures=any(f.live and n not in page.still for (_, n), f in page.figures.items()),
    )


def _neighbour(links: Links, notebook: Notebook, place: int) -> tuple[Notebook, str] | None:
    if not 0 <= place < len(links.notebooks):
        return None
    return links.notebooks[place], relative(links.notebooks[place].address, notebook.address)


def _cells(page: Page, rows: list[dict[str, Any]]) -> Iterator[str]:
    renderer = page.renderer(page.notebook.run)
    titled = any(
        cell["cell_type"] == "markdown" and cell["source"].startswith("# ") for cell in page.notebook.cells
    )
    if not titled:
        yield markdown(f"# {page.notebook.title}", renderer)
    for place, cell in enumerate(page.notebook.cells):
        if cell["cell_type"] == "markdown":
            yield f'<div class="prose">{markdown(cell["source"], renderer)}</div>'
        elif cell["cell_type"] == "code" and not (rows and "injected-parameters" in tags(cell)):
            yield _code(page, cell, cell.get("id") or f"cell-{place + 1}", rows)


def _code(page: Page, cell: dict[str, Any], name: str, rows: list[dict[str, Any]]) -> str:
    outputs = [output_html(page, name, output) for output in cell["outputs"]]
    if rows and "parameters" in tags(cell):
        code = page.render("parameters.html", rows=rows)
    else:
        code = code_html(cell)
    shown = "".join(f'<div class="output">{text}</div>' for text in outputs if text)
    return f'<div class="cell" id="cell-{name}">{code}{shown}</div>'
