"""The site's first page: what the laboratory is, what it found, and where everything is."""

from dataclasses import replace
from itertools import groupby
from typing import Any

from wikitopics.site import comparison
from wikitopics.site.code import said
from wikitopics.site.figures import Figure, numbers
from wikitopics.site.links import Links
from wikitopics.site.page import Page, templates


def index_page(links: Links, pages: list[Page]) -> str:
    """The HTML of index.html, for pages in reading order."""
    shown = [_compared(page, links) for page in pages if page.notebook.stage == comparison.STAGE]
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
    notebook, found = page.notebook, comparison.read_comparison(page.notebook)
    known = {row[0].text: links.run("04_evaluate", row[0].text) for row in found.rows}
    return {
        "name": notebook.run,
        "address": notebook.address,
        "found": found,
        "addresses": {run: there.address for run, there in known.items() if there},
        "figures": [
            _figure(figure, notebook.stage, number in page.still)
            for (cell, number), figure in page.figures.items()
            if cell == comparison.FIGURE_CELL
        ],
    }


def _figure(figure: Figure, stage: str, still: bool) -> dict[str, Any]:
    heads, rows = numbers(figure.live)
    moved = replace(figure, picture=f"{stage}/{figure.picture}" if figure.picture else "")
    return {"figure": moved, "live": bool(figure.live) and not still, "heads": heads, "rows": rows}
