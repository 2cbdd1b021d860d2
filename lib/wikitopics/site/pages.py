"""The pages of the site: one for each notebook, and the first with what the laboratory found."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from wikitopics.errors import UserError
from wikitopics.site.cells import (
    MAX_BYTES,
    Page,
    code_html,
    output_html,
    parameter_rows,
    said,
    tags,
    templates,
)
from wikitopics.site.figures import Figure, numbers
from wikitopics.site.notebooks import Links, Notebook, damaged, relative
from wikitopics.site.prose import markdown
from wikitopics.site.static_browser import address

STAGE, FIGURE_CELL = "05_compare", "runs-figure"
VALUE = re.compile(r"(?P<value>[\d.]+)(?: (?P<interval>\[[\d.]+, [\d.]+\]))?(?P<best>\*?)")


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
        browser=relative(browser, here) if (browser := address(notebook)) else "",
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


# --- The site's first page: what the laboratory is, what it found, and where everything is


def index_page(links: Links, pages: list[Page]) -> str:
    """The HTML of index.html, for pages in reading order."""
    shown = [_compared(page, links) for page in pages if page.notebook.stage == STAGE]
    stages = [_stage(list(group)) for _, group in groupby(links.notebooks, lambda one: one.stage)]
    figures = [figure for one in shown for figure in one["figures"]]
    return templates().get_template("index.html").render(
        comparisons=shown, stages=stages, assets="assets", home="index.html",
        has_figures=any(figure["live"] for figure in figures), command=_command(links),
    )  # fmt: skip


def _command(links: Links) -> str:
    last = links.notebooks[-1]
    return f"wikitopics run {last.name}"


def _stage(notebooks: list[Any]) -> dict[str, Any]:
    first = notebooks[0]
    runs = [
        {
            "name": one.run,
            "address": one.address,
            "parameters": [(name, said(value)) for name, value in one.differing.items()],
        }
        for one in notebooks
    ]
    return {"title": first.title, "question": first.question, "stage": first.stage, "runs": runs}


def _compared(page: Page, links: Links) -> dict[str, Any]:
    notebook, found = page.notebook, read_comparison(page.notebook)
    known = {row[0].text: links.run("04_evaluate", row[0].text) for row in found.rows}
    return {
        "name": notebook.run,
        "address": notebook.address,
        "found": found,
        "addresses": {run: there.address for run, there in known.items() if there},
        "figures": [
            _figure(figure, notebook.stage, number in page.still)
            for (cell, number), figure in page.figures.items()
            if cell == FIGURE_CELL
        ],
    }


def _figure(figure: Figure, stage: str, still: bool) -> dict[str, Any]:
    heads, rows = numbers(figure.live)
    moved = replace(figure, picture=f"{stage}/{figure.picture}" if figure.picture else "")
    return {"figure": moved, "live": bool(figure.live) and not still, "heads": heads, "rows": rows}


# --- What an executed 05_compare says, read from the notebook alone: a clone has executed/ but no data/


@dataclass(frozen=True)
class Cell:
    """One value of the comparison: its text, its interval's, and whether it is the best of its column."""

    text: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class Comparison:
    """What a comparison found: the table of its runs, the note below it, and (question, answer, figures).

    `cell` is the notebook's cell that says so; empty where none does.
    """

    cell: str
    heads: list[str]
    rows: list[list[Cell]]
    note: str
    findings: list[tuple[str, str, str]]


def read_comparison(notebook: Notebook) -> Comparison:
    """The findings that a comparison shows as Markdown (compare.findings): a table, a note, a list."""
    for cell, text in _markdown(notebook):
        parts = [part.strip() for part in text.split("\n\n")]
        if parts[0].startswith("| run |"):
            heads, _, *rows = [_split(line) for line in parts[0].split("\n")]
            notes = [part for part in parts[1:] if not part.startswith("- ")]
            found = [_finding(line) for line in text.split("\n") if line.startswith("- ")]
            values = [[_cell(text) for text in row] for row in rows]
            note = " ".join(notes).replace("\\*", "*")
            return Comparison(cell, heads, values, note, [one for one in found if one])
    return Comparison("", [], [], "", [])


def _markdown(notebook: Notebook) -> Iterator[tuple[str, str]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get("text/markdown", ""))
            if text:
                yield cell.get("id", ""), text


def _split(line: str) -> list[str]:
    """The cells of one line of a Markdown table.

    >>> _split("| a | b\\\\|c |")
    ['a', 'b|c']
    """
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def _cell(text: str) -> Cell:
    found = VALUE.fullmatch(text)
    return Cell(found["value"], found["interval"] or "", bool(found["best"])) if found else Cell(text)


def _finding(line: str) -> tuple[str, str, str] | None:
    """Question, answer, figures of one line of the list; no answer where it is all one sentence.

    >>> _finding("- **Is it larger?** No difference shown: +0.001 (p 1.0).")
    ('Is it larger?', 'No difference shown', '+0.001 (p 1.0).')
    """
    found = re.fullmatch(r"- \*\*(.+?)\*\* (?:([^:.]{1,60}): )?(.+)", line)
    return (found[1], found[2] or "", found[3]) if found else None
