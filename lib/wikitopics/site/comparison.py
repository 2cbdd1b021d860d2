"""What an executed 05_compare says, read from the notebook alone: a clone has executed/ but no data/."""

import re
from dataclasses import dataclass

from wikitopics.site.executed import Notebook

STAGE = "05_compare"
TABLE_CELL, CLAIMS_CELL, FIGURE_CELL = "write", "claims", "runs-figure"
VALUE = re.compile(r"(?P<value>[\d.]+)(?: \[(?P<low>[\d.]+), (?P<high>[\d.]+)\])?(?P<best>\*?)")


@dataclass(frozen=True)
class Cell:
    """One value of the comparison: its text, its interval's, and whether it is the best of its column."""

    text: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class Comparison:
    """The table that a comparison printed, and its claims as (question, answer, figures)."""

    heads: list[str]
    rows: list[list[Cell]]
    claims: list[tuple[str, str, str]]


def read_comparison(notebook: Notebook) -> Comparison:
    """The printed table and the printed claims; empty lists for what is not there or not as we print it."""
    heads, rows = _table(_printed(notebook, TABLE_CELL))
    claims = [_claim(text) for text in _printed(notebook, CLAIMS_CELL).split("\n\n")]
    return Comparison(heads, rows, [claim for claim in claims if claim])


def _printed(notebook: Notebook, cell: str) -> str:
    outputs = notebook.cell(cell).get("outputs", [])
    return "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")


def _table(printed: str) -> tuple[list[str], list[list[Cell]]]:
    """Columns of a table that pandas printed without its index: each ends where its name ends."""
    lines = printed.strip("\n").split("\n")
    found = list(re.finditer(r"run|labels|\S+ \S+", lines[0]))
    if len(found) < 3 or found[0][0] != "run" or len(lines) < 2:
        return [], []
    ends = [head.end() for head in found]
    starts = [0, *ends]
    rows = [
        [_cell(line[start:end].strip()) for start, end in zip(starts, ends, strict=False)]
        for line in lines[1:]
        if line.strip()
    ]
    return [head[0] for head in found], rows


def _cell(text: str) -> Cell:
    found = VALUE.fullmatch(text)
    if not found:
        return Cell(text)
    interval = f"{found['low']} to {found['high']}" if found["low"] else ""
    return Cell(found["value"], interval, bool(found["best"]))


def _claim(sentence: str) -> tuple[str, str, str] | None:
    """Question, answer, figures of a claim's sentence.

    >>> _claim("Is it larger? No difference shown: +0.001 (p 1.0).")
    ('Is it larger?', 'No difference shown', '+0.001 (p 1.0).')
    """
    found = re.fullmatch(r"(.+?\?) (.+?)(?:: (.+))?", sentence.strip(), re.DOTALL)
    return (found[1], found[2], found[3] or "") if found else None
