"""What an executed 05_compare says, read from the notebook alone: a clone has executed/ but no data/."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wikitopics.site.executed import Notebook

STAGE, FIGURE_CELL = "05_compare", "runs-figure"
VALUE = re.compile(r"(?P<value>[\d.]+)(?: (?P<interval>\[[\d.]+, [\d.]+\]))?(?P<best>\*?)")


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
