"""The README says what the executed comparison says."""

import json
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text("utf-8")
ROWS = re.findall(r"^\| ((?:commons|ores)-\d+-\w+) \| \d+ \| (.+) \|$", README, re.MULTILINE)


def printed() -> str:
    """All that the executed comparison printed."""
    notebook = json.loads((PROJECT / "executed/05_compare/grid.ipynb").read_text("utf-8"))
    outputs = (output for cell in notebook["cells"] for output in cell.get("outputs", []))
    return "".join("".join(output.get("text", "")) for output in outputs)


@pytest.mark.parametrize(("run", "cells"), ROWS)
def test_a_row_of_the_table_is_the_executed_one(run, cells):
    line = next(line for line in printed().splitlines() if line.split()[:1] == [run])
    said = re.findall(r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]", line)
    assert [cell.strip() for cell in cells.split("|")] == [*said[:4], said[5]]  # micro F1 is left out


def test_the_table_has_all_runs_and_the_claims_are_the_executed_ones():
    assert {run for run, _ in ROWS} == {path.stem for path in (PROJECT / "params/04_evaluate").glob("*.yaml")}
    claims = re.findall(r"shown: ([+-]\d\.\d{3}) \S+ \S+ \(95 % interval (\S+) to (\S+),", printed())
    quoted = re.findall(r"([+-]\d\.\d{3})[^()]*? \(([+-]\d\.\d{3}) to ([+-]\d\.\d{3})\)", README)
    assert len(quoted) == 3 and quoted == claims[:3]
